"""The errors of a push, each with what is wrong, where, and what to do."""

import re
from dataclasses import dataclass

import httpx2

from kaito_registry.answers import quote, unreachable_remedy
from kaito_registry.credentials import CREATE_SECRET, Credentials
from kaito_registry.reference import Reference
from tuner.errors import RunError
from tuner.reasons import Reason

# Conflict, Precondition Failed: Quay and Harbor answer so when a tag must not change.
IMMUTABLE_STATUSES = frozenset({409, 412})
# ECR, Artifact Registry and JFrog say it in the text of a 400, 403 or 405.
IMMUTABLE_TEXT = re.compile(r"immutab|already exists|cannot be overwritten|is locked", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class PushErrors:
    """Errors about pushing `reference`. `secret` is the push secret's name in messages.

    `authority` is what may hold the certificate of the registry's CA; the push secret if empty.
    """

    reference: Reference
    credentials: Credentials
    secret: str
    authority: str = ""

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

    def _remedy(self, error: Exception) -> str:
        return unreachable_remedy(
            error, self.reference.registry, self.authority or self.secret
        ) or (
            "check tuning.output.image and that the registry is up; if it speaks plain HTTP, list "
            "it in the chart's insecureRegistries (KAITO_INSECURE_REGISTRIES)"
        )


def is_immutable_tag(response: httpx2.Response) -> bool:
    """True if `response`, to the upload of a manifest, says that the tag must not change."""
    if response.status_code in IMMUTABLE_STATUSES:
        return True
    return response.status_code in (400, 403, 405) and bool(IMMUTABLE_TEXT.search(quote(response)))
