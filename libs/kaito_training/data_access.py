"""Which keys of the Secret tuning.input.accessSecret open which URLs of tuning.input.urls. Pure."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

# Scheme → the kind of source behind it.
KINDS: Mapping[str, str] = {
    "http": "http",
    "https": "http",
    "s3": "s3",
    "gs": "gs",
    "az": "az",
    "abfs": "az",
    "abfss": "az",
    "hf": "hf",
}
HEADER_PREFIX = "header-"
HOSTS = "hosts"
# A Secret's key may hold more characters than a header's name; these are those of both.
_HEADER_KEY = re.compile(r"header-[-.\w]+")

# Kind → the sets of keys of which one opens it. The names are those of the environment variables
# that the providers' own tools read, where they have any.
WAYS: Mapping[str, Sequence[tuple[str, ...]]] = {
    "http": (("token",), ("username", "password"), ("sas",)),
    "s3": (("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),),
    "gs": (("GOOGLE_SERVICE_ACCOUNT_KEY",),),
    "az": (
        ("AZURE_STORAGE_ACCOUNT_KEY",),
        ("AZURE_STORAGE_SAS_TOKEN",),
        ("sas",),
        ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"),
    ),
    "hf": (("HF_TOKEN",), ("token",)),
}
# Keys that configure a source without opening it.
CONFIGURES: Mapping[str, frozenset[str]] = {
    "http": frozenset(),
    "s3": frozenset({"AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL"}),
    "gs": frozenset({"STORAGE_EMULATOR_HOST"}),
    "az": frozenset({"AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ENDPOINT"}),
    "hf": frozenset({"HF_ENDPOINT"}),
}


# Those keys that are the names of environment variables, too.
VARIABLES = frozenset(
    key
    for kind in WAYS
    for key in (*CONFIGURES[kind], *(key for way in WAYS[kind] for key in way))
    if key.isupper()
)


def kind_of(url: str) -> str | None:
    """The kind of source that `url` is on; None if its scheme is unknown."""
    return KINDS.get(urlsplit(url).scheme.lower())


def find_access_problem(urls: Sequence[str], keys: Collection[str]) -> str | None:
    """Why a Secret with these `keys` does not open `urls`, as the end of a sentence that starts
    with it; None if it does, as far as its keys say."""
    return next(_problems(urls, keys), None)


def keys_used(kind: str, keys: Collection[str]) -> tuple[str, ...]:
    """Those of `keys` that open a source of this `kind`; empty if none do."""
    if kind == "http":
        return http_keys(keys)
    return next((way for way in WAYS[kind] if set(way) <= set(keys)), ())


def http_keys(keys: Collection[str]) -> tuple[str, ...]:
    """Those of `keys` that requests for http and https URLs depend on."""
    known = {key for way in WAYS["http"] for key in way}
    return tuple(key for key in keys if key in known or _HEADER_KEY.fullmatch(key))


def http_hosts(urls: Sequence[str]) -> frozenset[str]:
    """The hosts, with their ports, of the http and https URLs among `urls`."""
    return frozenset(host_of(url) for url in urls if kind_of(url) == "http")


def host_of(url: str) -> str:
    """The host of `url`, with its port."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def _problems(urls: Sequence[str], keys: Collection[str]) -> Iterator[str]:
    kinds = dict.fromkeys(kind for url in urls if (kind := kind_of(url)) is not None)
    for kind in kinds:
        for way in WAYS[kind]:
            missing = [key for key in way if key not in keys]
            if missing and len(missing) < len(way) and not _is_open(kind, keys):
                has = " and ".join(key for key in way if key in keys)
                yield f"has {has}, but no key {' and '.join(missing)}"
    used = any(CONFIGURES[kind] & set(keys) or _is_open(kind, keys) for kind in kinds)
    if not used:
        ways = [" and ".join(way) for kind in kinds for way in WAYS[kind]]
        ways += [f"{HEADER_PREFIX}NAME"] if "http" in kinds else []
        yield f"has none of the keys that open these URLs: {', '.join(dict.fromkeys(ways))}"
    hosts = sorted(http_hosts(urls))
    if len(hosts) > 1 and http_keys(keys) and HOSTS not in keys:
        yield (
            f"does not say which of the {len(hosts)} hosts ({', '.join(hosts)}) its credentials "
            f"are for: list those in its key {HOSTS}, separated by commas"
        )


def _is_open(kind: str, keys: Collection[str]) -> bool:
    has_header = kind == "http" and any(_HEADER_KEY.fullmatch(key) for key in keys)
    return has_header or any(set(way) <= set(keys) for way in WAYS[kind])
