"""An HTTP server on the loopback address with scripted answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler

from tests.tuner.sources import loopback


@dataclass(slots=True, kw_only=True)
class Answer:
    """One answer. `cut` ends the connection after that many bytes of the body; `ranges` honors
    Range headers, from `shift` bytes after the requested one."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    ranges: bool = False
    shift: int = 0
    length: bool = True


@dataclass(slots=True)
class DataServer:
    """Holds `answers` by path: each request takes the first one, and the last one is repeated.

    `seen` lists the requests: path, Range, Host; `headers` lists all of their headers.
    """

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    seen: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    headers: list[Message] = field(default_factory=list)
    url: str = ""

    def next(self, path: str) -> Answer:
        """The answer to the next request for `path`."""
        answers = self.answers.get(path.partition("?")[0], [Answer(status=404)])
        return answers.pop(0) if len(answers) > 1 else answers[0]

    @contextmanager
    def running(self) -> Iterator["DataServer"]:
        """Serve on a free port, and set `url`."""
        with loopback.serving(type("Handler", (_Handler,), {"data": self})) as self.url:
            yield self


class _Handler(BaseHTTPRequestHandler):
    data: DataServer

    def do_GET(self) -> None:
        requested = self.headers.get("Range")
        self.data.seen.append((self.path, requested, self.headers.get("Host")))
        self.data.headers.append(self.headers)
        answer = self.data.next(self.path)
        body, status, headers = answer.body, answer.status, dict(answer.headers)
        if answer.ranges and requested is not None:
            start, size = int(requested.removeprefix("bytes=").rstrip("-")), len(body)
            if start >= size:
                status, body = 416, b""
            else:
                body, status = body[start:], 206
                start += answer.shift
                headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if answer.length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if answer.cut is None else body[: answer.cut])

    def log_message(self, format: str, *args: object) -> None:
        pass
