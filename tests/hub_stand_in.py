"""A stand-in for the Hugging Face hub on loopback: the paths that clients of models call.

It speaks as huggingface.co does, errors included, so that the unmodified huggingface_hub downloads
from it.
"""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "7ae557604adf67be50417f59c2c2f167def9a775"
_LFS_SUFFIXES = (".safetensors", ".bin", ".gguf")


@dataclass
class StoredModel:
    """`files` are contents by path. `facts` are further fields of the API's answer."""

    files: dict[str, bytes]
    commit: str = COMMIT
    revisions: frozenset[str] = frozenset({"main"})
    gated: bool = False
    private: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    _digests: dict[str, str] = field(default_factory=dict)

    def sha256(self, path: str) -> str:
        if path not in self._digests:
            self._digests[path] = hashlib.sha256(self.files[path]).hexdigest()
        return self._digests[path]

    def document(self, name: str) -> dict[str, Any]:
        return {
            "id": name,
            "sha": self.commit,
            "gated": "manual" if self.gated else False,
            "private": self.private,
            "tags": [],
            "siblings": [self._sibling(path) for path in sorted(self.files)],
            **self.facts,
        }

    def tree(self) -> list[dict[str, Any]]:
        return [
            {
                "type": "file",
                "oid": _git_id(content),
                "size": len(content),
                "path": path,
                **self._lfs(path, "oid"),
            }
            for path, content in sorted(self.files.items())
        ]

    def _sibling(self, path: str) -> dict[str, Any]:
        content = self.files[path]
        facts = {"rfilename": path, "size": len(content), "blobId": _git_id(content)}
        return {**facts, **self._lfs(path, "sha256")}

    def _lfs(self, path: str, key: str) -> dict[str, Any]:
        if not path.endswith(_LFS_SUFFIXES):
            return {}
        size = len(self.files[path])
        return {"lfs": {key: self.sha256(path), "size": size, "pointerSize": 134}}


@dataclass
class HubStandIn:
    """`tokens` are valid ones, with the models that they open. `status` answers everything while it
    is set, and 503 the next `away_for` requests. `stall_after` sends that many bytes of a file, by
    path, then `trickle` bytes a second, and the rest after `release`. `damaged` says how often a
    file arrives with another last byte. `storage` is the address that requests for large files are
    redirected to."""

    models: dict[str, StoredModel] = field(default_factory=dict)
    tokens: dict[str, frozenset[str]] = field(default_factory=dict)
    status: int | None = None
    away_for: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    stall_after: dict[str, int] = field(default_factory=dict)
    trickle: int = 0
    damaged: dict[str, int] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    storage: str = ""
    address: str = ""
    _released: threading.Event = field(default_factory=threading.Event)

    def release(self) -> None:
        self.stall_after.clear()
        self._released.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Whether it was released within that time."""
        return self._released.wait(seconds)


@contextmanager
def hub_stand_in(
    hub: HubStandIn, listens: tuple[str, int] = ("127.0.0.1", 0)
) -> Iterator[HubStandIn]:
    """Serves it; `hub.address` is its endpoint on loopback meanwhile."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(listens, handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        hub.release()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: HubStandIn

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path)
        self.hub.requests.append(f"{self.command} {path}")
        self.hub.authorizations.append(self.headers.get("Authorization", ""))
        if self.hub.away_for:
            self.hub.away_for -= 1
            return self._send(503, b"away", {})
        if self.hub.status is not None:
            return self._send(self.hub.status, b"away", self.hub.headers)
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "models"] and len(parts) >= 4:
            return self._api("/".join(parts[2:4]), parts[4:], parse_qs(url.query))
        if len(parts) > 4 and parts[2] == "resolve":
            return self._file("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        return self._error(404, "EntryNotFound", "Entry not found")

    def _api(self, name: str, rest: list[str], _: dict[str, list[str]]) -> None:
        found = self._model(name)
        if found is None:
            return None
        revision = "/".join(rest[1:]) if rest[:1] in (["revision"], ["tree"]) else "main"
        if revision not in found.revisions | {found.commit}:
            return self._error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        document: Any = found.tree() if rest[:1] == ["tree"] else found.document(name)
        return self._send(200, json.dumps(document).encode(), {"Content-Type": "application/json"})

    def _file(self, name: str, revision: str, path: str) -> None:
        found = self._model(name)
        if found is None:
            return None
        if found.gated and name not in self._opened():
            return self._error(403 if self._token() else 401, "GatedRepo", "Access is restricted")
        if revision not in found.revisions | {found.commit}:
            return self._error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        if path not in found.files:
            return self._error(404, "EntryNotFound", "Entry not found")
        content = found.files[path]
        is_lfs = path.endswith(_LFS_SUFFIXES)
        etag = found.sha256(path) if is_lfs else _git_id(content)
        if is_lfs and self.hub.storage:
            return self._send(302, b"", {"Location": f"{self.hub.storage}{self.path}"})
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": found.commit, "Accept-Ranges": "bytes"}
        if self.command == "GET" and self.hub.damaged.get(path):
            self.hub.damaged[path] -= 1
            content = content[:-1] + bytes([content[-1] ^ 1])
        return self._send_file(path, content, headers)

    def _send_file(self, path: str, content: bytes, headers: dict[str, str]) -> None:
        status, asked = 200, self.headers.get("Range", "")
        if asked.startswith("bytes="):
            self.hub.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").split("-")[0])
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            status, content = 206, content[start:]
        stall = self.hub.stall_after.get(path)
        if self.command == "GET" and stall is not None:
            self._begin(status, len(content), headers)
            with suppress(OSError):
                self.wfile.write(content[:stall])
                self.wfile.flush()
                while self.hub.trickle and not self.hub.wait(1.0):
                    self.wfile.write(content[stall : stall + self.hub.trickle])
                    stall += self.hub.trickle
                self.hub.wait()
                self.wfile.write(content[stall:])
            return
        self._send(status, content, headers)

    def _model(self, name: str) -> StoredModel | None:
        token, found = self._token(), self.hub.models.get(name)
        if token and token not in self.hub.tokens:
            self._error(401, "", "Invalid credentials in Authorization header")
            return None
        if found is None or (found.private and name not in self._opened()):
            # Without a token the hub does not say whether there is such a model.
            self._error(404 if token else 401, "RepoNotFound", "Repository Not Found")
            return None
        return found

    def _token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def _opened(self) -> frozenset[str]:
        return self.hub.tokens.get(self._token(), frozenset())

    def _error(self, status: int, code: str, message: str) -> None:
        headers = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {})}
        self._send(status, message.encode(), headers)

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self._begin(status, len(body), headers)
        if self.command == "GET":
            self.wfile.write(body)

    def _begin(self, status: int, length: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()


def _git_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
