"""What the server tells of itself at /info. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_server import remedies
from model_server.engine_server.unreadable import UNREADABLE
from model_server.errors import ModelLoadFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """The model and the limits of a server.

    `max_total_tokens` counts prompt and answer together, `max_input_tokens` the prompt.
    """

    model_id: str
    max_total_tokens: int
    max_input_tokens: int
    max_stop_sequences: int
    version: str
    dtype: str
    device: str

    @property
    def engine(self) -> str:
        """The engine's name and version, as users see it."""
        return f"text-generation-server {self.version}"


def parse_info(answer: Any) -> ServerInfo:
    """The description of a server.

    Raises:
        ModelLoadFailed: it is none of a text-generation-server.
    """
    try:
        info: Mapping[str, Any] = dict(answer)
        total = int(info["max_total_tokens"])
        # Its name before version 2.
        longest = (
            info["max_input_tokens"] if "max_input_tokens" in info else info["max_input_length"]
        )
        return ServerInfo(
            model_id=str(info["model_id"]),
            max_total_tokens=total,
            max_input_tokens=int(longest),
            max_stop_sequences=int(info["max_stop_sequences"]),
            version=str(info["version"]),
            # Only versions before 2.1 tell these two.
            dtype=str(info.get("model_dtype") or "").removeprefix("torch."),
            device=str(info.get("model_device_type") or ""),
        )
    except UNREADABLE as error:
        raise ModelLoadFailed(
            f"GET /info of the engine is not that of a text-generation-server ({error!r}); if it "
            f"is an OpenAI-compatible server, set {remedies.ENGINE} to openai"
        ) from error
