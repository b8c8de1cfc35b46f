"""S3, Google Cloud Storage, Azure Blob Storage and the hub on the loopback address, as far as the
tuner uses them: lists in pages, and objects with ETags and ranges."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.tuner.sources import loopback

PAGE = 2
COMMIT = "c0ffee" * 6 + "abcd"


@dataclass(slots=True)
class ObjectServer:
    """`objects` are by bucket and key ("bucket/key"), or by dataset and path for the hub.

    `allows` decides by URL and headers whether a request is answered; other ones get `status`.
    `cut` ends the first transfer of an object after that many bytes.
    """

    objects: dict[str, bytes] = field(default_factory=dict)
    allows: Callable[[SplitResult, Message], bool] = lambda url, headers: True
    status: int = 403
    cut: int | None = None
    lists: list[str] = field(default_factory=list)
    gets: list[tuple[str, str | None]] = field(default_factory=list)
    url: str = ""

    @contextmanager
    def running(self) -> Iterator["ObjectServer"]:
        """Serve on a free port, and set `url`."""
        with loopback.serving(type("Handler", (_Handler,), {"store": self})) as self.url:
            yield self

    def page(self, bucket: str, prefix: str, after: str) -> tuple[list[str], str]:
        """Keys of a bucket, and the token of the next page."""
        keys = sorted(name.removeprefix(f"{bucket}/") for name in self.objects)
        left = [key for key in keys if key.startswith(prefix) and key > after]
        return left[:PAGE], left[PAGE - 1] if len(left) > PAGE else ""


class _Handler(BaseHTTPRequestHandler):
    store: ObjectServer

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        path = unquote(url.path).strip("/")
        if not self.store.allows(url, self.headers):
            self._answer(self.store.status, b"<Error>HIDDEN page</Error>")
        elif query.get("list-type") == "2":
            self._list(path, query, _s3_list)
        elif query.get("comp") == "list":
            self._list(path, query, _azure_list)
        elif path.startswith("api/datasets/"):
            self._hub_list(path)
        else:
            self._get(path)

    def _list(
        self,
        bucket: str,
        query: dict[str, str],
        render: Callable[[dict[str, int], str], str],
    ) -> None:
        self.store.lists.append(bucket)
        after = query.get("continuation-token") or query.get("marker") or ""
        keys, token = self.store.page(bucket, query.get("prefix", ""), after)
        sizes = {key: len(self.store.objects[f"{bucket}/{key}"]) for key in keys}
        self._answer(200, render(sizes, token).encode())

    def _hub_list(self, path: str) -> None:
        _, _, organization, name, _, revision = path.split("/", 5)
        dataset = f"{organization}/{name}"
        self.store.lists.append(f"{dataset}@{revision}")
        prefix = f"datasets/{dataset}/resolve/{COMMIT}/"
        names = [key.removeprefix(prefix) for key in self.store.objects if key.startswith(prefix)]
        siblings = [
            {"rfilename": key, "size": len(self.store.objects[prefix + key])} for key in names
        ]
        self._answer(200, json.dumps({"sha": COMMIT, "siblings": siblings}).encode())

    def _get(self, path: str) -> None:
        requested = self.headers.get("Range")
        self.store.gets.append((path, requested))
        body = self.store.objects.get(path)
        if body is None:
            self._answer(404, b"")
            return
        start = int(requested.removeprefix("bytes=").rstrip("-")) if requested else 0
        headers = {"ETag": f'"{len(body)}"'}
        if requested:
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        cut, self.store.cut = self.store.cut, None
        self._answer(206 if requested else 200, body[start:], headers, cut)

    def _answer(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str] | None = None,
        cut: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if cut is None else body[:cut])

    def log_message(self, format: str, *args: object) -> None:
        pass


_TIME = "2026-01-01T00:00:00.000Z"


def _s3_list(sizes: dict[str, int], token: str) -> str:
    contents = "".join(
        f"<Contents><Key>{escape(key)}</Key><Size>{size}</Size>"
        f"<LastModified>{_TIME}</LastModified><ETag>&quot;x&quot;</ETag></Contents>"
        for key, size in sizes.items()
    )
    next_ = f"<NextContinuationToken>{escape(token)}</NextContinuationToken>" if token else ""
    return f"<ListBucketResult>{contents}{next_}</ListBucketResult>"


def _azure_list(sizes: dict[str, int], token: str) -> str:
    blobs = "".join(
        f"<Blob><Name>{escape(key)}</Name><Properties>"
        "<Last-Modified>Thu, 01 Jan 2026 00:00:00 GMT</Last-Modified>"
        f"<Content-Length>{size}</Content-Length><Content-Type>x/y</Content-Type><Etag>x</Etag>"
        "</Properties></Blob>"
        for key, size in sizes.items()
    )
    return (
        f"<EnumerationResults><Blobs>{blobs}</Blobs><NextMarker>{escape(token)}</NextMarker>"
        "</EnumerationResults>"
    )
