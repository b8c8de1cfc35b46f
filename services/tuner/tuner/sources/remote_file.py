"""One file to download, whatever kind of source it is on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tuner.sources.unreachable import Hint


@dataclass(frozen=True, slots=True)
class Request:
    """A GET of `url`. `credentials` are headers for the origin of `url` only."""

    url: str
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file of a source.

    `address` is how messages name it, without secrets. `identity` tells its content from others',
    and does not change when a signature is renewed. `path` is its place in the dataset, `sha256`
    the digest that it must have and `size` its size, if known.
    """

    address: str
    identity: str = field(repr=False)
    path: str
    request: Callable[[], Request]
    """Makes the request of an attempt: a signature may expire between two."""
    credential: str = ""
    """What opens the source, for messages: which Secret, and which of its keys."""
    refusal: Hint | None = None
    """What a refusal means for this kind of source; None: what it means for a URL."""
    sha256: str | None = None
    size: int | None = None
