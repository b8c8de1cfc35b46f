"""A registry for tests, over real HTTP in this process.

It verifies digests, demands basic or token authentication, records requests, and fails on demand.
"""

import base64
import hashlib
import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import SplitResult, parse_qs, urlsplit

from kaito_registry.media_types import INDEX_TYPE, MANIFEST_TYPE

Auth = Literal["none", "basic", "token", "identity"]
PATH = re.compile(r"/v2/(?P<repository>.+)/(?P<kind>blobs|manifests|referrers)/(?P<rest>.+)")
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
    lists_referrers: bool = True
    """Whether it has the referrers API of OCI 1.1."""
    tag_refusal: Answer | None = None
    """The answer to every upload of a manifest."""
    cut_bytes: int | None = None
    """Connections are cut once they have carried so many bytes of bodies."""
    takes_chunks: bool = True
    drops_cut_uploads: bool = False
    """Whether an upload is forgotten when its connection is cut, as by distribution 2."""
    uploads: dict[str, bytes] = field(default_factory=dict)
    upload_origin: str = ""
    """Where blobs are uploaded to: "http://<host>:<port>"; empty: here."""
    requests: list[str] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    """The Authorization header of each request; empty if it had none."""
    corrupt: set[str] = field(default_factory=set)
    """Digests of content that is damaged when it is read."""
    host: str = ""

    @contextmanager
    def running(self, tls: ssl.SSLContext | None = None) -> Iterator["FakeRegistry"]:
        """Serve on a free port of the loopback address, over TLS if given, and set `host`."""
        handler = type("Handler", (_Handler,), {"registry": self})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
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
    carried: int = 0

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        self.registry.requests.append(format % args)

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self._carry(self.rfile.read(length)) if self.command != "HEAD" else b""
        path = urlsplit(self.path)
        if len(body) < length:
            return self._cut(path, body)
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
        if match["kind"] == "referrers":
            return self._referrers(match["rest"])
        return self._blob(match["rest"], path.query, body)

    def _blob(self, rest: str, query: str, body: bytes) -> None:
        if not rest.startswith("uploads/"):
            return self._content(rest, self.registry.blobs.get(rest))
        uploads, name = self.registry.uploads, rest.removeprefix("uploads/")
        if self.command == "POST":
            name = str(len(uploads) + 1)
            uploads[name] = b""
            return self._answer(202, self._upload_headers(name))
        if name not in uploads or not query.startswith(UPLOAD_STATE):
            return self._answer(404, body=b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}')
        if self.command == "GET":
            return self._answer(204, self._upload_headers(name))
        if self.command == "PATCH":
            return self._chunk(name, body)
        if self.command == "DELETE":
            del uploads[name]
            return self._answer(204)
        digest, content = parse_qs(query).get("digest", [""])[0], uploads[name] + body
        if _sha256(content) != digest:
            return self._answer(400, body=b'{"errors":[{"code":"DIGEST_INVALID"}]}')
        del uploads[name]
        self.registry.blobs[digest] = content
        return self._answer(201)

    def _chunk(self, name: str, body: bytes) -> None:
        if not self.registry.takes_chunks:
            return self._answer(405, body=b'{"errors":[{"code":"UNSUPPORTED"}]}')
        start = len(self.registry.uploads[name])
        if self.headers.get("Content-Range") != f"{start}-{start + len(body) - 1}":
            return self._answer(416)
        self.registry.uploads[name] += body
        return self._answer(202, self._upload_headers(name))

    def _upload_headers(self, name: str) -> dict[str, str]:
        path = urlsplit(self.path).path.partition("/uploads/")[0]
        end = max(0, len(self.registry.uploads[name]) - 1)
        location = f"{self.registry.upload_origin}{path}/uploads/{name}?{UPLOAD_STATE}"
        return {"Location": location, "Range": f"0-{end}"}

    def _carry(self, data: bytes) -> bytes:
        """What of `data` the connection carries before it is cut."""
        limit = self.registry.cut_bytes
        carried = data if limit is None else data[: max(0, limit - self.carried)]
        self.carried += len(carried)
        return carried

    def _cut(self, path: SplitResult, body: bytes) -> None:
        name = path.path.rpartition("/uploads/")[2]
        if self.command == "PATCH" and name in self.registry.uploads:
            if self.registry.drops_cut_uploads:
                del self.registry.uploads[name]
            else:
                self.registry.uploads[name] += body
        self.registry.requests.append(f'"{self.command} {self.path}" cut')
        self._drop()

    def _manifest(self, reference: str, body: bytes) -> None:
        if self.command != "PUT":
            return self._content(reference, self.registry.manifests.get(reference))
        if self.registry.tag_refusal is not None:
            return self._fail(self.registry.tag_refusal)
        document = json.loads(body)
        if self.headers.get("Content-Type") == INDEX_TYPE:
            parts, stored = document["manifests"], self.registry.manifests
        else:
            parts, stored = (document["config"], *document["layers"]), self.registry.blobs
        for part in parts:
            if len(stored.get(part["digest"], b"")) != part["size"]:
                return self._answer(400, body=b'{"errors":[{"code":"BLOB_UNKNOWN"}]}')
        self.registry.manifests |= {reference: body, _sha256(body): body}
        is_listed = self.registry.lists_referrers and "subject" in document
        return self._answer(
            201, {"OCI-Subject": document["subject"]["digest"]} if is_listed else {}
        )

    def _referrers(self, digest: str) -> None:
        if not self.registry.lists_referrers:
            return self._answer(404)
        entries = []
        for name, content in self.registry.manifests.items():
            document = json.loads(content)
            if ":" in name and (document.get("subject") or {}).get("digest") == digest:
                kind = document["mediaType"]
                entries.append({"mediaType": kind, "digest": name, "size": len(content)})
        index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries}
        return self._answer(200, {"Content-Type": INDEX_TYPE}, json.dumps(index).encode())

    def _content(self, key: str, content: bytes | None) -> None:
        if content is None:
            return self._answer(404, body=b'{"errors":[{"code":"UNKNOWN"}]}')
        damaged = bytes([content[0] ^ 1]) + content[1:]
        headers = {"Content-Type": "text/plain"}
        if "/manifests/" in self.path:
            headers = {"Content-Type": MANIFEST_TYPE, "Docker-Content-Digest": _sha256(content)}
        body = damaged if key in self.registry.corrupt else content
        requested = self.headers.get("Range", "").removeprefix("bytes=").rstrip("-")
        if not requested:
            return self._answer(200, headers, body)
        start, end = int(requested), len(body) - 1
        headers["Content-Range"] = f"bytes {start}-{end}/{len(body)}"
        return self._answer(206, headers, body[start:])

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
        return self._drop()

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()

    def _answer(
        self, status: int, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            carried = self._carry(body)
            self.wfile.write(carried)
            if len(carried) < len(body):
                self._drop()


def _sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
