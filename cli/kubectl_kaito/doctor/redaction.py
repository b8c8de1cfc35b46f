"""Takes secrets out of what leaves the cluster. Pure.

It errs on the side of taking away: names that sound like a secret, values that look like one, every
part of a URL behind its path, and all environment variables that are not Kaito's own settings.
"""

import re
from typing import Any

from kubectl_kaito.doctor.secret_prose import MASK, mask_prose
from kubectl_kaito.doctor.secret_shapes import KEY_BLOCKS, SHAPES

_SECRET_NAME = re.compile(
    r"token|secret|passw|passphrase|passcode|^pass$|^pwd$|bearer|credential|api[-_.]?key|access[-_.]?key|account[-_.]?key|private[-_.]?key"
    r"|signature|sas$|auth(orization)?$|connection[-_.]?string|cookie|dockerconfig",
    re.IGNORECASE,
)
# Names of objects that hold secrets, and not secrets themselves.
_REFERENCES = re.compile(
    r"^(imagePullSecrets?|imagePushSecret|signingSecret|verificationSecret|modelAccessSecret|accessSecret|trackingSecret|secretName"
    r"|secretKeyRef|secretRef|tokenExpirationSeconds|expirationSeconds"
    r"|automountServiceAccountToken|serviceAccountToken|maxTokens|tokensPerSecond)$",
)
# In front of a value: `--token=x`, `token: x`, `"password": "x"`, `Authorization: Bearer x`. JSON
# that is text in JSON has its quotes escaped. Names are bounded, so that a line without a blank is
# not read again from each of its characters.
_NAME = (
    r"(?i)((?<![\w.\-])[\w.\-]{0,64}?(?:token|secret|passw(?:or)?d|passphrase|passcode|credential"
    r"|(?:api|access|account|private|functions|subscription|storage|shared|primary|secondary|signing"
    r"|encryption)[-_.]?key|sharedaccess\w{0,16}|signature|sig|\bsas|authorization|\bauth\b|\bpass\b"
    r"|\bpwd\b|\bpw\b)[\w.\-]{0,64}\\*[\"']?\s{0,8}(?:=>|[=:])\s{0,8})"
)
# A quoted value can hold blanks, and quotes that are escaped.
_QUOTED = re.compile(_NAME + r"(\\*[\"'])((?:(?!\2)(?:\\.|[^\n]))*?)\2")
_NAMED = re.compile(_NAME + r"(\\*[\"']?)((?:bearer\s+|basic\s+)?[^\s\"',;&\\]+)")
# The number of tokens is what a log of a model is about.
_COUNT = re.compile(r"(?i)tokens[\w.\-]{0,64}\\*[\"']?\s{0,8}[=:]\s{0,8}$")
_NUMBER = re.compile(r"-?\d{1,12}(?:\.\d{1,12})?[)\]}.]{0,4}")
_COOKIE = re.compile(r"(?i)((?:set-)?cookie\\*[\"']?\s{0,8}[=:]\s{0,8}\\*[\"']?)[^\n\"'\\]+")
# In a command line: `--token x`, and `curl -u user:password`.
_FLAG = re.compile(
    r"(?i)((?<![\w-])--?[\w-]{0,64}?(?:token|secret|passw(?:or)?d|api-?key|access-?key)[\w-]{0,64}\s+)"
    r"(\"[^\"\n]*\"|'[^'\n]*'|[^\s\"',;&-][^\s\"',;&]*)"
)
_USER = re.compile(r"((?<![\w-])(?:-u|--user)(?:\s+|=)[\"']?[^\s:\"']+:)[^\s\"']+")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=\-]{8,}")
_DIGEST = re.compile(r"\bsha(?:256|512):[0-9a-f]{64,128}\b")
_URL = re.compile(r"(?<![a-z0-9+.\-])([a-z][a-z0-9+.\-]{0,31})://([^\s\"'<>]+)", re.IGNORECASE)
_PORT = re.compile(r":\d{1,5}$")
# Copies of the whole object, as somebody has applied it.
_COPIES = ("kubectl.kubernetes.io/last-applied-configuration",)


def redact(value: Any, name: str = "") -> Any:
    """The same JSON without secrets; `name` is the field that the value is in."""
    if isinstance(value, dict):
        if name in ("data", "stringData", "binaryData"):
            return dict.fromkeys(value, MASK)
        return {
            key: redact(each, key)
            for key, each in _environment(value).items()
            if key != "managedFields" and key not in _COPIES
        }
    if isinstance(value, list):
        return [
            _argument(before, each) or redact(each, name)
            for before, each in zip([None, *value], value, strict=False)
        ]
    if isinstance(value, str):
        hidden = value and _SECRET_NAME.search(name) and not _REFERENCES.match(name)
        return MASK if hidden else redact_text(value)
    return value


def redact_text(text: str) -> str:
    """A message or a log without tokens, keys, and what URLs carry beside their address."""
    text = KEY_BLOCKS.sub(MASK, text)
    text = _URL.sub(_plain_url, text)
    text = _QUOTED.sub(lambda found: _without_value(found, end=found[2]), text)
    text = _COOKIE.sub(lambda found: f"{found[1]}{MASK}", text)
    text = _NAMED.sub(_without_value, text)
    text = _FLAG.sub(lambda found: f"{found[1]}{MASK}", text)
    text = _USER.sub(lambda found: f"{found[1]}{MASK}", text)
    text = _BEARER.sub(lambda found: f"{found[1]} {MASK}", text)
    text = mask_prose(text)
    parts = re.split(f"({_DIGEST.pattern})", text)
    # Digests are as long as keys, and say which image ran.
    return "".join(part if _DIGEST.fullmatch(part) else SHAPES.sub(MASK, part) for part in parts)


def _without_value(found: re.Match[str], end: str = "") -> str:
    is_count = _COUNT.search(found[1]) and _NUMBER.fullmatch(found[3])
    return found[0] if is_count else f"{found[1]}{found[2]}{MASK}{end}"


def _argument(before: Any, argument: Any) -> str | None:
    """A part of a command that is secret behind the part `before`; None if it is not."""
    if not isinstance(argument, str):
        return None
    if _is_value_of(before):
        return MASK
    user, colon, _ = argument.partition(":")
    return f"{user}:{MASK}" if colon and before in ("-u", "--user") else None


def _is_value_of(flag: Any) -> bool:
    """Whether what follows in a command is a secret: `--token`, and then the token."""
    return (
        isinstance(flag, str)
        and flag.startswith("-")
        and "=" not in flag
        and _SECRET_NAME.search(flag) is not None
    )


def _environment(value: dict[str, Any]) -> dict[str, Any]:
    """A variable of a container: its value stays only if it is a setting of Kaito's."""
    name = value.get("name")
    if not isinstance(name, str) or not isinstance(value.get("value"), str):
        return value
    is_setting = name.startswith("KAITO_") and not _SECRET_NAME.search(name)
    return value if is_setting else {**value, "value": MASK}


def _plain_url(found: re.Match[str]) -> str:
    scheme, rest = found[1], found[2]
    address, mark, _ = rest.partition("?")
    address, hash_mark, fragment = address.partition("#")
    host, path = _host_and_path(address)
    user, at, plain = host.rpartition("@")
    shown = f"{scheme}://{MASK + '@' if at and user else ''}{plain}{path}"
    digest = f"#{fragment}" if fragment.startswith("sha256=") else f"#{MASK}" if hash_mark else ""
    return f"{shown}{'?' + MASK if mark else ''}{digest}"


def _host_and_path(address: str) -> tuple[str, str]:
    """The host with its user. A password may hold a slash, although no URL may."""
    host, slash, path = address.partition("/")
    if ":" in host and "@" in path and not host.startswith("[") and not _PORT.search(host):
        user, _, rest = address.rpartition("@")
        host, slash, path = rest.partition("/")
        host = f"{user}@{host}"
    return host, slash + path
