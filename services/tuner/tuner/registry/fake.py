"""A registry for tests, over real HTTP in this process.

It verifies digests, demands basic or token authentication, records requests, and fails on demand.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from tuner.registry.image import MANIFEST_TYPE

Auth = Literal["none", "basic", "token", "identity"]
PATH = re.compile(r"/v2/(?P<repository>.+)/(?P<kind>blobs|manifests)/(?P<rest>.+)")
TOKEN = "fake-token"
# The state of an upload, in characters that a client may be tempted to encode in another way.
UPLOAD_STATE = "_state=AbC%2b%2F==&sig=%7e~:|{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer that is not the registry's usual one. Status 0 drops the connection."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class FakeRegistry:
    """What the registry holds and how it behaves.

    Each entry of `failures` is the answer to one of the next requests.
    """

    auth: Auth = "none"
    username: str = "user"
    password: str = "secret"
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)
    failures: list[Answer] = field(default_factory=list)
    tag_refusal: Answer | None = None
    """The answer to every upload of a manifest."""
    upload_origin: str = ""
    """Where blobs are uploaded to: "http://<host>:<port>"; empty: here."""
    requests: list[str] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    """The Authorization header of each request; empty if it had none."""
    corrupt: set[str] = field(default_factory=set)
    """Digests of content that is damaged when it is read."""
    host: str = ""

    @contextmanager
    def running(self) -> Iterator["FakeRegistry"]:
        """Serve on a free port of the loopback address, and set `host`."""
        handler = type("Handler", (_Handler,), {"registry": self})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.host = f"127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def allows(self, authorization: str) -> bool:
        """True if a request with that Authorization header is allowed."""
        if self.auth == "none":
            return True
        if self.auth == "basic":
            return authorization == self.basic()
        return authorization == f"Bearer {TOKEN}"

    def basic(self) -> str:
        """The Authorization header of the only user."""
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    registry: FakeRegistry

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        self.registry.requests.append(format % args)

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = urlsplit(self.path)
        self.registry.authorizations.append(self.headers.get("Authorization", ""))
        if path.path == "/token":
            return self._token(body)
        if self.registry.failures:
            return self._fail(self.registry.failures.pop(0))
        if not self.registry.allows(self.headers.get("Authorization", "")):
            return self._challenge()
        if path.path == "/v2/":
            return self._answer(200)
        if path.path.endswith("/tags/list"):
            tags = [name for name in self.registry.manifests if ":" not in name]
            return self._answer(200, body=json.dumps({"name": "any", "tags": tags}).encode())
        match = PATH.fullmatch(path.path)
        if match is None:
            return self._answer(404)
        if match["kind"] == "manifests":
            return self._manifest(match["rest"], body)
        return self._blob(match["rest"], path.query, body)

    def _blob(self, rest: str, query: str, body: bytes) -> None:
        if self.command == "POST":
            location = f"{self.registry.upload_origin}{self.path}1?{UPLOAD_STATE}"
            return self._answer(202, {"Location": location})
        if self.command == "PUT":
            digest = parse_qs(query).get("digest", [""])[0]
            if _sha256(body) != digest or not query.startswith(f"{UPLOAD_STATE}&"):
                return self._answer(400, body=b'{"errors":[{"code":"DIGEST_INVALID"}]}')
            self.registry.blobs[digest] = body
            return self._answer(201)
        return self._content(rest, self.registry.blobs.get(rest))

    def _manifest(self, reference: str, body: bytes) -> None:
        if self.command != "PUT":
            return self._content(reference, self.registry.manifests.get(reference))
        if self.registry.tag_refusal is not None:
            return self._fail(self.registry.tag_refusal)
        document = json.loads(body)
        for part in (document["config"], *document["layers"]):
            if len(self.registry.blobs.get(part["digest"], b"")) != part["size"]:
                return self._answer(400, body=b'{"errors":[{"code":"BLOB_UNKNOWN"}]}')
        self.registry.manifests |= {reference: body, _sha256(body): body}
        return self._answer(201)

    def _content(self, key: str, content: bytes | None) -> None:
        if content is None:
            return self._answer(404, body=b'{"errors":[{"code":"UNKNOWN"}]}')
        damaged = bytes([content[0] ^ 1]) + content[1:]
        headers = {"Content-Type": MANIFEST_TYPE if "/manifests/" in self.path else "text/plain"}
        return self._answer(200, headers, damaged if key in self.registry.corrupt else content)

    def _challenge(self) -> None:
        if self.registry.auth == "basic":
            return self._answer(401, {"WWW-Authenticate": 'Basic realm="fake"'})
        realm = f'realm="http://{self.registry.host}/token",service="fake"'
        return self._answer(401, {"WWW-Authenticate": f"Bearer {realm}"})

    def _token(self, body: bytes) -> None:
        if self.registry.auth == "identity":
            form = parse_qs(body.decode())
            good = form.get("refresh_token") == [self.registry.password]
        else:
            good = self.headers.get("Authorization") == self.registry.basic()
        if not good:
            return self._answer(401)
        return self._answer(200, body=json.dumps({"token": TOKEN}).encode())

    def _fail(self, answer: Answer) -> None:
        if answer.status:
            return self._answer(answer.status, dict(answer.headers), answer.body)
        self.close_connection = True
        self.connection.close()
        return None

    def _answer(
        self, status: int, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
