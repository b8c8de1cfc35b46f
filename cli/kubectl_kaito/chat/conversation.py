"""A conversation with one model: asks, prints as it comes, and remembers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from kaito_kube.kinds import Key
from kubectl_kaito.chat.stream import deltas
from kubectl_kaito.cluster.cluster import Cluster

_PATH = "v1/chat/completions"
_PORT = "http"


@dataclass
class Conversation:
    cluster: Cluster
    service: Key
    messages: list[dict[str, str]] = field(default_factory=list)

    def ask(self, text: str, write: Callable[[str], None]) -> None:
        """Raises:
        ClusterError: the model cannot be reached, or refuses the request.
        CommandError: it reports an error in the middle.
        """
        messages = [*self.messages, {"role": "user", "content": text}]
        answer = ""
        for piece in self._stream(messages):
            answer += piece
            write(_printable(piece))
        self.messages = [*messages, {"role": "assistant", "content": answer}]

    def _stream(self, messages: list[dict[str, str]]) -> Iterator[str]:
        body: dict[str, Any] = {"messages": messages, "stream": True}
        return deltas(self.cluster.post(self.service, _PORT, _PATH, body))


def _printable(text: str) -> str:
    """Without control characters: a terminal would obey them."""
    return "".join(c for c in text if c.isprintable() or c in "\n\t")
