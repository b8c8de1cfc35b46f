"""Reads what a registry answered, or why it did not answer."""

import os
import ssl
from collections.abc import Iterator

import httpx2

# Registries answer errors with JSON or whole HTML pages; the beginning says what is wrong.
MAX_QUOTED_CHARACTERS = 300
# OpenSSL's X509_V_ERR_*: unable to get issuer certificate, self-signed certificate, self-signed
# certificate in the chain, unable to get local issuer certificate, unable to verify the leaf.
UNKNOWN_CA_CODES = frozenset({2, 18, 19, 20, 21})
# Proxy Authentication Required, Network Authentication Required: only a proxy answers so.
PROXY_STATUSES = frozenset({407, 511})


def quote(response: httpx2.Response) -> str:
    """What the registry answered, in one line."""
    try:
        text = " ".join(response.read().decode("utf-8", "replace").split())
    except httpx2.HTTPError:
        text = ""
    status = f"{response.request.method} answered {response.status_code}"
    return f"{status} {text[:MAX_QUOTED_CHARACTERS]}".strip()


def is_from_proxy(response: httpx2.Response) -> bool:
    """True if `response` is a proxy's: it demands a login to itself, or is a web page.

    Registries that answer with pages name their API version or challenge the client. A 404 may be
    a page: some registries leave it to the web server in front of them.
    """
    if response.status_code in PROXY_STATUSES:
        return True
    own = {"docker-distribution-api-version", "www-authenticate"} & set(response.headers)
    is_page = response.headers.get("content-type", "").startswith("text/html")
    return is_page and not own and response.status_code != 404


def is_certificate_error(error: BaseException) -> bool:
    """True if the registry's certificate is not trusted: no retry helps before that is changed."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error))


def unreachable_remedy(error: BaseException, registry: str, secret: str) -> str:
    """What to do about an error of TLS or of a proxy; empty for any other.

    `secret` is the Secret that may hold the CA's certificate, as messages call it.
    """
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            if cause.verify_code in UNKNOWN_CA_CODES:
                return (
                    f"its certificate is of a CA that is not known here: add the CA's "
                    f"certificate to {secret} under the key ca.crt, in PEM form"
                )
            return f"give {registry} a certificate that is valid for this name"
        if isinstance(cause, httpx2.ProxyError):
            names = [name for name in ("HTTPS_PROXY", "ALL_PROXY") if os.environ.get(name)]
            return (
                f"the proxy that {' or '.join(names) or 'the environment'} names does not let "
                f"the request through: give it credentials, or list {registry} in NO_PROXY"
            )
    return ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
