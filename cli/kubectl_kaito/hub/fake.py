"""A hub in memory."""

from dataclasses import dataclass, field

from kaito_presets.hub.model_files import ModelFiles
from kubectl_kaito.errors import NotFoundError


@dataclass
class FakeModels:
    """`asked` are the names that it was asked for."""

    models: dict[str, ModelFiles] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def read(self, name: str) -> ModelFiles:
        self.asked.append(name)
        if name not in self.models:
            raise NotFoundError(f"the hub has no model {name!r}, or it is private")
        return self.models[name]
