"""Asks a front door without pause until a file appears, and prints what it got as JSON.

Runs in a pod, from the gateway's image: standard library only, and nothing is asked twice.

    python load_client.py ADDRESS MODEL STREAM_TOKENS STOP_FILE

It prints "started" once every worker has had an answer, each failure when it happens, and the
counts as its last line.
"""

import http.client
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_ONE_CONNECTION_EACH, _ONE_CONNECTION, _STREAMS = 3, 3, 4
_PAUSE_SECONDS = 0.2
# Longer than a model is away, so that a request that is lost is told from one that waits.
_TIMEOUT_SECONDS = 420.0
# An event has one token or a few, so that a stream lasts for 60 to 90 seconds.
_STREAM_SECONDS = 85.0
# Most of a stream waits in the gateway, in its kernel, or in the model-server.
_RECEIVE_BUFFER_BYTES = 8192


class WrongAnswer(Exception):
    """The answer has an error, or is not complete."""


@dataclass(slots=True)
class Counts:
    """What all workers of one kind got. `seconds` are those of each complete answer."""

    asked: int = 0
    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def ask(connection: http.client.HTTPConnection, model: str) -> None:
    """One short answer, whole.

    Raises:
        WrongAnswer: it is another one.
        OSError, http.client.HTTPException: it did not arrive.
    """
    question = {"role": "user", "content": "What is the capital of Japan?"}
    body = {"model": model, "messages": [question], "max_tokens": 16, "temperature": 0}
    response = _post(connection, "/v1/chat/completions", body)
    answer = json.loads(response.read())
    choice = answer["choices"][0]
    if choice["finish_reason"] != "stop" or not choice["message"]["content"]:
        raise WrongAnswer(f"no answer: {answer}")


def read_stream(connection: http.client.HTTPConnection, model: str, tokens: int) -> None:
    """One long answer, read slowly.

    Raises: as `ask`.
    """
    body = {
        "model": model,
        "prompt": "Once upon a time",
        "max_tokens": tokens,
        "ignore_eos": True,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    response = _post(connection, "/v1/completions", body)
    events = list(_events(response, _STREAM_SECONDS / tokens))
    if events[-1:] != ["[DONE]"]:
        raise WrongAnswer(f"cut off after {len(events)} events: {events[-1:]}")
    usage = json.loads(events[-2])["usage"]
    if usage["completion_tokens"] != tokens:
        raise WrongAnswer(f"not all of its tokens: {usage}")


def _post(
    connection: http.client.HTTPConnection, path: str, body: dict[str, Any]
) -> http.client.HTTPResponse:
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
    response = connection.getresponse()
    if response.status != 200:
        raise WrongAnswer(f"{response.status}: {response.read().decode()}")
    return response


def _events(response: http.client.HTTPResponse, pause_seconds: float) -> Iterator[str]:
    for line in response:
        if line.startswith(b"data: "):
            yield line[6:].decode().strip()
            time.sleep(pause_seconds)


def _connect_slow_reader(
    address: tuple[str, int], timeout: float, source: tuple[str, int] | None = None
) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
    connection.settimeout(timeout)
    connection.connect(address)
    return connection


@dataclass(slots=True)
class Worker:
    """Asks one question after the other. `keeps` its connection as long as the server does."""

    kind: str
    address: str
    call: Callable[[http.client.HTTPConnection], None]
    counts: Counts
    keeps: bool = False
    reads_slowly: bool = False
    answered: threading.Event = field(default_factory=threading.Event)

    def run(self, stop: Path) -> None:
        connection = self._connection()
        while not stop.exists():
            if not self.keeps:
                connection.close()
                connection = self._connection()
            began = time.monotonic()
            self.counts.asked += 1
            try:
                self.call(connection)
                self.counts.seconds.append(round(time.monotonic() - began, 1))
            except Exception as error:
                connection.close()
                failure = f"{self.kind}: {error!r}"
                self.counts.failures.append(failure)
                print(time.strftime("%H:%M:%S"), "failed:", failure, flush=True)
            self.answered.set()
            time.sleep(_PAUSE_SECONDS)

    def _connection(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(self.address, timeout=_TIMEOUT_SECONDS)
        if self.reads_slowly:
            connection._create_connection = _connect_slow_reader  # type: ignore[attr-defined]
        return connection


def main(address: str, model: str, stream_tokens: str, stop_file: str) -> None:
    short, streams = Counts(), Counts()

    def ask_once(connection: http.client.HTTPConnection) -> None:
        ask(connection, model)

    def stream_once(connection: http.client.HTTPConnection) -> None:
        read_stream(connection, model, int(stream_tokens))

    asking = [
        *(Worker("request", address, ask_once, short) for _ in range(_ONE_CONNECTION_EACH)),
        *(
            Worker("request on a kept connection", address, ask_once, short, keeps=True)
            for _ in range(_ONE_CONNECTION)
        ),
    ]
    streaming = [
        Worker("stream", address, stream_once, streams, reads_slowly=True) for _ in range(_STREAMS)
    ]
    threads = [
        threading.Thread(target=each.run, args=(Path(stop_file),)) for each in asking + streaming
    ]
    for thread in threads:
        thread.start()
    # Streams have begun long before their first answer is complete.
    for worker in asking:
        worker.answered.wait()
    print("started", flush=True)
    for thread in threads:
        thread.join()
    print(json.dumps({"requests": asdict(short), "streams": asdict(streams)}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
