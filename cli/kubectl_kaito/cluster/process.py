"""A program in a container, over the WebSocket of the official client."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from kubernetes.client import Configuration
from kubernetes.stream.ws_client import (
    ERROR_CHANNEL,
    STDOUT_CHANNEL,
    WSClient,
    get_websocket_url,
)
from websocket import WebSocketBadStatusException, WebSocketException

from kaito_kube import errors

# A pod that answers nothing for ten minutes has lost its connection: the digest of a large file
# takes one or two.
_LOOK_SECONDS, _MAX_LOOKS = 60.0, 10
_LOST = (WebSocketException, OSError)


@contextmanager
def started(
    configuration: Configuration, url: str, headers: Mapping[str, str]
) -> Iterator["WebSocketProcess"]:
    """Raises:
    ClusterError: the API server refuses, or does not answer.
    """
    try:
        client = WSClient(
            configuration, get_websocket_url(url), headers, capture_all=False, binary=True
        )
    except WebSocketBadStatusException as error:
        detail = f"the API server answered {error.status_code} to the request to run a program"
        raise errors.from_status(error.status_code, "", detail) from error
    except _LOST as error:
        raise errors.Unavailable(f"{configuration.host} does not answer: {error}") from error
    try:
        yield WebSocketProcess(client)
    finally:
        client.close()


class WebSocketProcess:
    def __init__(self, client: WSClient) -> None:
        self._client = client
        self._pending = b""

    def write(self, data: bytes) -> None:
        try:
            self._client.write_stdin(data)
        except _LOST as error:
            raise errors.Unavailable(f"the connection to the pod is lost: {error}") from error

    def read_line(self) -> str:
        looks = 0
        try:
            while b"\n" not in self._pending:
                self._client.update(timeout=_LOOK_SECONDS)
                chunk: bytes = self._client.read_channel(STDOUT_CHANNEL)
                self._pending += chunk
                looks = 0 if chunk else looks + 1
                if not chunk and not self._client.is_open():
                    raise errors.Unavailable(f"the program in the pod has ended: {self._ending()}")
                if looks >= _MAX_LOOKS:
                    raise errors.Unavailable("the program in the pod does not answer")
        except _LOST as error:
            raise errors.Unavailable(f"the connection to the pod is lost: {error}") from error
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode("utf-8", "replace")

    def _ending(self) -> str:
        text: bytes = self._client.read_channel(ERROR_CHANNEL)
        return text.decode("utf-8", "replace")[:300] or "without a word"
