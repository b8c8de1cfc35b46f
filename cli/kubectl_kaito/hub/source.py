"""The seam to the Hugging Face hub."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    # Every command loads this module, and few read models.
    from kaito_presets.hub.model_files import ModelFiles


class ModelSource(Protocol):
    def read(self, name: str) -> "ModelFiles":
        """The files that tell what a model is, at the newest commit of its main branch.

        Raises:
            NotFoundError: the hub has no such model, or it is private.
            CommandError: the model is gated, or the hub does not answer.
        """
        ...
