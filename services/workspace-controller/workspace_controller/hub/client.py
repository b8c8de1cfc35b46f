"""The seam to the Hugging Face hub: what is asked of it, and how it refuses."""

from typing import Protocol

from kaito_presets.hub.repository import Repository


class HubError(Exception):
    """The hub did not answer as it was asked to. Messages never contain a token."""


class ModelMissing(HubError):
    """There is no such model, or it is private and the token does not open it."""


class RevisionMissing(HubError):
    """The model has no such branch, tag or commit."""


class AccessDenied(HubError):
    """The model is gated, and the token has no access; or there is none."""


class TokenRefused(HubError):
    """The hub does not know the token."""


class HubAway(HubError):
    """It does not answer, or not now. `retry_after_seconds` is what it asks for, or None."""

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class NoUsableAnswer(HubAway):
    """The hub answers, but not about this model as a hub does. Others may be answered well."""


class HubClient(Protocol):
    """An empty token asks without one."""

    async def repository(self, name: str, revision: str, token: str) -> Repository:
        """The files of a model at the commit that the revision means now.

        Raises:
            HubError: one of the classes above.
        """
        ...

    async def text(self, repository: Repository, path: str, token: str) -> str:
        """A small file at the repository's commit.

        Raises:
            HubError: one of the classes above.
        """
        ...
