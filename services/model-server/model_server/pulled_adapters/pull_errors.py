"""The errors of a pull, each with what is wrong, where, and what to do."""

from dataclasses import dataclass

import httpx2

from kaito_registry.answers import quote, unreachable_remedy
from kaito_registry.credentials import CREATE_SECRET
from kaito_registry.reference import Reference
from model_server.pulled_adapters.wanted import RegistryAccess


class PullFailed(Exception):
    """An adapter cannot be pulled. `retryable`: it may be possible later, with the same entry.

    `unverified`: because nobody who may has signed it.
    """

    def __init__(self, message: str, *, retryable: bool, unverified: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.retryable = retryable
        self.unverified = unverified


@dataclass(frozen=True, slots=True, kw_only=True)
class PullErrors:
    """Implements kaito_registry.errors.RegistryErrors for the pull of `reference`."""

    reference: Reference
    access: RegistryAccess

    def refused(self, answer: str) -> PullFailed:
        return self._failed(f"{answer}; check that the registry lets you pull this repository")

    def unauthorized(self, answer: str) -> PullFailed:
        registry, credentials = self.reference.registry, self.access.credentials
        if credentials:
            problem = f"holds credentials, but {registry} answered: {answer}"
        elif credentials.helper:
            problem = (
                f"refers to the credential helper {credentials.helper!r} instead of holding "
                f"credentials for {registry}, and no helper runs in the pod"
            )
        elif self.access.source:
            problem = f"holds no credentials for {registry}"
        else:
            return self._failed(
                f"{registry} does not let everybody pull it; name a Secret in "
                "source.imagePullSecrets: "
                f"`{CREATE_SECRET.format(registry=registry)}`",
                retryable=False,
            )
        return self._failed(
            f"{self.access.source} {problem}; give it credentials that may pull there: "
            f"`{CREATE_SECRET.format(registry=registry)}`",
            retryable=False,
        )

    def foreign_host_refused(self, host: str, answer: str) -> PullFailed:
        return self._failed(
            f"the registry sends requests on to {host}, and there {answer}; credentials are only "
            f"sent to {self.reference.registry}: correct the registry's external address, or the "
            "access to its storage"
        )

    def insecure_token_server(self, realm: str) -> PullFailed:
        return self._failed(
            f"the registry's token server is {realm}, and credentials are not sent over plain "
            "HTTP; give the token server an https address"
        )

    def proxy_in_the_way(self, response: httpx2.Response) -> PullFailed:
        server = response.headers.get("server", "")
        return self._failed(
            f"a proxy (it calls itself {server!r}) answered in place of the registry: "
            f"{quote(response)}; let it pass requests to {self.reference.registry}"
        )

    def unreachable(self, error: Exception) -> PullFailed:
        secret = self.access.source or "a Secret in source.imagePullSecrets"
        remedy = unreachable_remedy(error, self.reference.registry, secret) or (
            "check source.image, that the registry is up, and that the pod may reach it; if it "
            "speaks plain HTTP, list it in the chart's insecureRegistries"
        )
        return self._failed(f"the registry does not answer: {error}; {remedy}")

    def _failed(self, problem: str, *, retryable: bool = True) -> PullFailed:
        return PullFailed(f"{self.reference} cannot be pulled: {problem}", retryable=retryable)
