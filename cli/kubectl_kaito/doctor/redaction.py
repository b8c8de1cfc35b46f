"""Takes secrets out of what leaves the cluster. Pure.

It errs on the side of taking away: names that sound like a secret, values that look like one, every
part of a URL behind its path, and all environment variables that are not Kaito's own settings.
"""

import re
from typing import Any

MASK = "<redacted>"
_SECRET_NAME = re.compile(
    r"token|secret|passw|credential|api[-_.]?key|access[-_.]?key|account[-_.]?key|private[-_.]?key"
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
# that is text in JSON has its quotes escaped.
_NAME = (
    r"(?i)([\w.\-]*(?:token|secret|passw(?:or)?d|credential|api[-_]?key|access[-_]?key"
    r"|account[-_]?key|sharedaccess\w*|signature|sig|authorization|cookie"
    r"|\bauth\b|\bpass\b|\bpwd\b)[\w.\-]*\\*[\"']?\s*[=:]\s*)"
)
# A quoted value can hold blanks, and quotes that are escaped.
_QUOTED = re.compile(_NAME + r"(\\*[\"'])(?:(?!\2)(?:\\.|[^\n]))*?\2")
_NAMED = re.compile(_NAME + r"(\\*[\"']?)(?:(?:bearer\s+|basic\s+)?[^\s\"',;&\\]+)")
# In a command line: `--token x`, and `curl -u user:password`.
_FLAG = re.compile(
    r"(?i)((?<![\w-])--?[\w-]*(?:token|secret|passw(?:or)?d|api-?key|access-?key)[\w-]*\s+)"
    r"(\"[^\"\n]*\"|'[^'\n]*'|[^\s\"',;&-][^\s\"',;&]*)"
)
_USER = re.compile(r"((?<![\w-])(?:-u|--user)(?:\s+|=)[\"']?[^\s:\"']+:)[^\s\"']+")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=\-]{8,}")
_SHAPES = re.compile(
    r"hf_\w{8,}|gh[pousr]_\w{8,}|github_pat_\w{8,}|glpat-[\w\-]{8,}|sk-[\w\-]{8,}|xox[abp]-[\w\-]{8,}"
    r"|AKIA[0-9A-Z]{12,}|ASIA[0-9A-Z]{12,}|AIza[\w\-]{20,}"
    r"|eyJ[\w\-]{6,}\.[\w\-]{6,}(?:\.[\w\-]*)?"
    r"|[A-Za-z0-9+/]{64,}={0,2}"
)
_DIGEST = re.compile(r"\bsha(?:256|512):[0-9a-f]{64,128}\b")
_KEY_BLOCK = re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|\Z)", re.DOTALL)
_URL = re.compile(r"\b([a-z][a-z0-9+.\-]*)://([^\s\"'<>]+)", re.IGNORECASE)
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
            MASK if _is_value_of(before) and isinstance(each, str) else redact(each, name)
            for before, each in zip([None, *value], value, strict=False)
        ]
    if isinstance(value, str):
        hidden = value and _SECRET_NAME.search(name) and not _REFERENCES.match(name)
        return MASK if hidden else redact_text(value)
    return value


def redact_text(text: str) -> str:
    """A message or a log without tokens, keys, and what URLs carry beside their address."""
    text = _KEY_BLOCK.sub(MASK, text)
    text = _URL.sub(_plain_url, text)
    text = _QUOTED.sub(lambda found: f"{found[1]}{found[2]}{MASK}{found[2]}", text)
    text = _NAMED.sub(lambda found: f"{found[1]}{found[2]}{MASK}", text)
    text = _FLAG.sub(lambda found: f"{found[1]}{MASK}", text)
    text = _USER.sub(lambda found: f"{found[1]}{MASK}", text)
    text = _BEARER.sub(lambda found: f"{found[1]} {MASK}", text)
    parts = re.split(f"({_DIGEST.pattern})", text)
    # Digests are as long as keys, and say which image ran.
    return "".join(part if _DIGEST.fullmatch(part) else _SHAPES.sub(MASK, part) for part in parts)


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
    host, slash, path = address.partition("/")
    user, at, plain = host.rpartition("@")
    shown = f"{scheme}://{MASK + '@' if at and user else ''}{plain}{slash}{path}"
    digest = f"#{fragment}" if fragment.startswith("sha256=") else f"#{MASK}" if hash_mark else ""
    return f"{shown}{'?' + MASK if mark else ''}{digest}"
