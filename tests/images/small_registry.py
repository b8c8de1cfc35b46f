"""A registry in memory with the part of the HTTP API that the tools use."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import parse_qs, urlsplit


@dataclass(slots=True)
class Content:
    """The uploaded blobs by digest, and manifests by path with their content types."""

    address: str = ""
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)


class _Server(ThreadingHTTPServer):
    content: Content


class _Handler(BaseHTTPRequestHandler):
    @property
    def _content(self) -> Content:
        return cast(_Server, self.server).content

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self) -> None:
        if self.path in self._content.manifests:
            kind, body = self._content.manifests[self.path]
            self._answer(200, body, Content_Type=kind)
        elif self.path.rpartition("/")[2] in self._content.blobs:
            self._answer(200)
        else:
            self._answer(404)

    do_HEAD = do_GET  # noqa: N815 (the name that the server looks for)

    def do_POST(self) -> None:
        self._answer(202, Location=f"{self.path}1?state=x")

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "/manifests/" in self.path:
            self._content.manifests[self.path] = (self.headers["Content-Type"], body)
        else:
            digest = parse_qs(urlsplit(self.path).query)["digest"][0]
            self._content.blobs[digest] = body
        self._answer(201)


@contextmanager
def small_registry() -> Iterator[Content]:
    """Run a registry on a free loopback port."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.content = Content(address=f"127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.content
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
