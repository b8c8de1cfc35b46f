"""The errors of a push, each with what is wrong, where, and what to do."""

import os
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2

from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.registry.credentials import CREATE_SECRET, Credentials
from tuner.registry.reference import Reference

# Registries answer errors with JSON or whole HTML pages; the beginning says what is wrong.
MAX_QUOTED_CHARACTERS = 300
# OpenSSL's X509_V_ERR_*: unable to get issuer certificate, self-signed certificate, self-signed
# certificate in the chain, unable to get local issuer certificate, unable to verify the leaf.
UNKNOWN_CA_CODES = frozenset({2, 18, 19, 20, 21})
# Proxy Authentication Required, Network Authentication Required: only a proxy answers so.
PROXY_STATUSES = frozenset({407, 511})
# Conflict, Precondition Failed: Quay and Harbor answer so when a tag must not change.
IMMUTABLE_STATUSES = frozenset({409, 412})
# ECR, Artifact Registry and JFrog say it in the text of a 400, 403 or 405.
IMMUTABLE_TEXT = re.compile(r"immutab|already exists|cannot be overwritten|is locked", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class PushErrors:
    """Errors about pushing `reference`. `secret` is the push secret's name in messages."""

    reference: Reference
    credentials: Credentials
    secret: str

    def refused(self, answer: str) -> RunError:
        """The registry does not accept the image."""
        return RunError(
            Reason.PUSH_FAILED,
            f"{self.reference} cannot be pushed: {answer}; check that the registry allows you to "
            "create this repository and to write its tags",
        )

    def immutable_tag(self, answer: str) -> RunError:
        """The registry does not let the tag change."""
        return RunError(
            Reason.PUSH_FAILED,
            f"{self.reference} cannot be pushed: the registry does not allow the tag "
            f"{self.reference.tag!r} to change ({answer}); push to another tag: change "
            "tuning.output.image",
            retryable=False,
        )

    def unauthorized(self, answer: str) -> RunError:
        """The registry does not accept the credentials, or there are none."""
        registry = self.reference.registry
        if self.credentials:
            problem = f"holds credentials, but {registry} answered: {answer}"
        elif self.credentials.helper:
            problem = (
                f"refers to the credential helper {self.credentials.helper!r} (credsStore or "
                f"credHelpers) instead of holding credentials for {registry}, and no helper runs "
                "in the cluster"
            )
        else:
            problem = f"holds no credentials for {registry}"
        return RunError(
            Reason.PUSH_UNAUTHORIZED,
            f"{self.reference} cannot be pushed: {self.secret} {problem}; give it credentials that "
            f"may push there: `{CREATE_SECRET.format(registry=registry)}`",
        )

    def foreign_host_refused(self, host: str, answer: str) -> RunError:
        """A host that the registry sent the request to demands credentials."""
        return RunError(
            Reason.PUSH_FAILED,
            f"{self.reference} cannot be pushed: the registry sends requests on to {host}, and "
            f"there {answer}; the push secret is only sent to {self.reference.registry}: correct "
            "the registry's external address (behind a proxy: X-Forwarded-Proto and Host), or the "
            "access to its storage",
        )

    def insecure_token_server(self, realm: str) -> RunError:
        """The registry's challenge would send the credentials over plain HTTP."""
        return RunError(
            Reason.PUSH_FAILED,
            f"{self.reference} cannot be pushed: the registry's token server is {realm}, and the "
            "push secret is not sent over plain HTTP; give the token server an https address",
        )

    def proxy_in_the_way(self, response: httpx2.Response) -> RunError:
        """Something else than the registry answered."""
        server = response.headers.get("via") or response.headers.get("server") or "unknown"
        return RunError(
            Reason.REGISTRY_UNREACHABLE,
            f"a proxy (it calls itself {server!r}) answered in place of the registry "
            f"{self.reference.registry}: {quote(response)}; let it pass requests to the registry, "
            f"or list {self.reference.registry} in NO_PROXY",
        )

    def unreachable(self, error: Exception) -> RunError:
        """No answer, or none but transient errors."""
        registry = self.reference.registry
        return RunError(
            Reason.REGISTRY_UNREACHABLE,
            f"registry {registry} does not answer for {self.reference}: {error}; "
            f"{self._remedy(error)}",
        )

    def _remedy(self, error: BaseException) -> str:
        registry = self.reference.registry
        for cause in _causes(error):
            if isinstance(cause, ssl.SSLCertVerificationError):
                if cause.verify_code in UNKNOWN_CA_CODES:
                    return (
                        f"its certificate is of a CA that is not known here: add the CA's "
                        f"certificate to {self.secret} under the key ca.crt, in PEM form "
                        "(KAITO_REGISTRY_CA_FILE)"
                    )
                return f"give {registry} a certificate that is valid for this name"
            if isinstance(cause, httpx2.ProxyError):
                names = [name for name in ("HTTPS_PROXY", "ALL_PROXY") if os.environ.get(name)]
                return (
                    f"the proxy that {' or '.join(names) or 'the environment'} names does not let "
                    f"the request through: give it credentials, or list {registry} in NO_PROXY"
                )
        return (
            "check tuning.output.image and that the registry is up; if it speaks plain HTTP, list "
            "it in the chart's insecureRegistries (KAITO_INSECURE_REGISTRIES)"
        )


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


def is_immutable_tag(response: httpx2.Response) -> bool:
    """True if `response`, to the upload of a manifest, says that the tag must not change."""
    if response.status_code in IMMUTABLE_STATUSES:
        return True
    return response.status_code in (400, 403, 405) and bool(IMMUTABLE_TEXT.search(quote(response)))


def is_certificate_error(error: BaseException) -> bool:
    """True if the registry's certificate is not trusted: no retry helps before that is changed."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
