"""What one request of a key has used, as one line of JSON. Never a prompt, an answer or a key."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pydantic_core

from kaito_keys.limits import NANODOLLARS


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRecord:
    """`nanodollars` is None where the model has no price.

    `estimated` says that the model-server has not counted all of its tokens.
    """

    time: str
    key: str
    request_id: str
    route: str
    status: int
    namespace: str
    workspace: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    nanodollars: int | None
    estimated: bool

    def line(self) -> bytes:
        """One line of JSON, with dollars as a number."""
        # Not by asdict, which copies deeply.
        fields: dict[str, object] = {name: getattr(self, name) for name in _PLAIN}
        nanodollars = self.nanodollars
        dollars = None if nanodollars is None else nanodollars / NANODOLLARS
        return pydantic_core.to_json({"message": "usage", **fields, "dollars": dollars}) + b"\n"


_PLAIN = tuple(name for name in UsageRecord.__slots__ if name != "nanodollars")


@dataclass(slots=True)
class UsageWriter:
    """Writes the lines of one turn of the event loop together. `call_soon` runs what it gets."""

    write: Callable[[bytes], object]
    call_soon: Callable[[Callable[[], None]], object]
    _lines: list[bytes] = field(default_factory=list)

    def add(self, record: UsageRecord) -> None:
        if not self._lines:
            self.call_soon(self._flush)
        self._lines.append(record.line())

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        self.write(b"".join(lines))
