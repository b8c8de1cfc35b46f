"""A hub in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kaito_presets.hub.model_files import ModelFiles
from kaito_presets.hub.repository import Repository
from workspace_controller.hub.client import (
    AccessDenied,
    HubError,
    ModelMissing,
    RevisionMissing,
    TokenRefused,
)


@dataclass
class FakeHub:
    """`models` are by name, each with its revisions; `tokens` open the names in `private` and in
    gated repositories. `error` is raised by every call while it is set. `calls` records them."""

    models: dict[str, dict[str, ModelFiles]] = field(default_factory=dict)
    tokens: Mapping[str, frozenset[str]] = field(default_factory=dict)
    private: frozenset[str] = frozenset()
    error: HubError | None = None
    calls: list[str] = field(default_factory=list)

    def add(self, files: ModelFiles) -> None:
        """The model at its commit, which what was `requested` means from now on."""
        repository = files.repository
        revisions = self.models.setdefault(repository.name, {})
        revisions |= {repository.requested: files, repository.commit: files}

    async def repository(self, name: str, revision: str, token: str) -> Repository:
        self.calls.append(f"{name}@{revision}")
        revisions = self.models.get(name)
        self._check(token)
        if revisions is None or (name in self.private and not self._opens(name, token)):
            raise ModelMissing("Repository Not Found")
        if revision not in revisions:
            raise RevisionMissing("Invalid rev id")
        return revisions[revision].repository

    async def text(self, repository: Repository, path: str, token: str) -> str:
        self.calls.append(f"{repository.name}/{path}")
        self._check(token)
        if repository.gated and not self._opens(repository.name, token):
            raise AccessDenied("Access to this model is restricted")
        files = self.models[repository.name][repository.commit]
        return files.texts[path]

    def _check(self, token: str) -> None:
        if self.error is not None:
            raise self.error
        if token and token not in self.tokens:
            raise TokenRefused("Invalid credentials in Authorization header")

    def _opens(self, name: str, token: str) -> bool:
        return name in self.tokens.get(token, frozenset())
