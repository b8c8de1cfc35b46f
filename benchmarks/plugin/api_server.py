"""An API server of many Workspaces, as far as one list of them needs it."""

import http.server
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from benchmarks.plugin.workspaces import NAMESPACE

_GROUP, _VERSION = "kaito.sh", "v1beta1"
_GROUP_VERSION = f"{_GROUP}/{_VERSION}"
_PREFERRED = {"groupVersion": _GROUP_VERSION, "version": _VERSION}
# What kubectl reads to find out what a Workspace is; the plugin knows.
_DISCOVERY: Mapping[str, Any] = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": []},
    "/apis": {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [{"name": _GROUP, "versions": [_PREFERRED], "preferredVersion": _PREFERRED}],
    },
    f"/apis/{_GROUP_VERSION}": {
        "kind": "APIResourceList",
        "groupVersion": _GROUP_VERSION,
        "resources": [
            {
                "name": "workspaces",
                "singularName": "workspace",
                "namespaced": True,
                "kind": "Workspace",
                "verbs": ["get", "list"],
            }
        ],
    },
}
_LIST = f"/apis/{_GROUP_VERSION}/namespaces/{NAMESPACE}/workspaces"


@contextmanager
def serving(workspaces: list[Mapping[str, Any]]) -> Iterator[str]:
    """The URL of the server, while it runs."""
    listed = {
        "apiVersion": _GROUP_VERSION,
        "kind": "WorkspaceList",
        "metadata": {"resourceVersion": "1"},
        "items": workspaces,
    }
    bodies = {path: json.dumps(body).encode() for path, body in _DISCOVERY.items()}
    bodies[_LIST] = json.dumps(listed).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = bodies.get(self.path.partition("?")[0])
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
