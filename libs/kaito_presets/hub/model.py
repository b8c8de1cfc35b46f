"""A model of the hub at one commit: what is planned with, and what is shown."""

from dataclasses import dataclass

from kaito_presets.preset import Preset


@dataclass(frozen=True, slots=True, kw_only=True)
class HubModel:
    """`requested` is the branch, tag or commit that the user asked for, `revision` the commit.

    `download_bytes` are those of all files that a pod downloads. `experts` is None for a dense
    model, and `sliding_window` (in tokens) for one without such layers. `remote_code`: an engine
    loads the model only with code from the repository.
    """

    preset: Preset
    requested: str
    revision: str
    download_bytes: int
    chat_template: bool
    remote_code: bool
    sliding_window: int | None = None
    experts: int | None = None

    @property
    def name(self) -> str:
        return self.preset.name
