"""An API server over HTTP that serves Workspaces and nothing else, for clients that insist on one.

It answers discovery, lists and watches, and records every request.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from aiohttp import web

from kaito_kube.kinds import WORKSPACE, Manifest, key_of

_GROUP = f"/apis/{WORKSPACE.group}"
_VERSION = f"{_GROUP}/{WORKSPACE.version}"


@dataclass
class ApiServer:
    url: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)
    watches: list[web.StreamResponse] = field(default_factory=list)
    refusal: int | None = None
    refused: int = 0
    _workspaces: dict[str, Manifest] = field(default_factory=dict)
    _version: int = 1
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, type_: str, manifest: Manifest) -> None:
        """Changes what is listed, and tells every watch."""
        self._version += 1
        metadata = {**manifest["metadata"], "resourceVersion": str(self._version)}
        manifest, key = {**manifest, "metadata": metadata}, str(key_of(manifest))
        if type_ == "DELETED":
            self._workspaces.pop(key)
        else:
            self._workspaces[key] = manifest
        for watch in self.watches:
            await watch.write(json.dumps({"type": type_, "object": manifest}).encode() + b"\n")

    async def watched(self) -> None:
        """Returns when a client watches."""
        while not self.watches:
            await asyncio.sleep(0.01)

    def kubeconfig(self, folder: Path) -> Path:
        path = folder / "kubeconfig"
        path.write_text(
            yaml.safe_dump(
                {
                    "current-context": "test",
                    "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
                    "clusters": [{"name": "c", "cluster": {"server": self.url}}],
                    "users": [{"name": "u", "user": {"token": "token"}}],
                }
            )
        )
        return path

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path))
        if request.path == "/apis":
            version = {"groupVersion": WORKSPACE.api_version, "version": WORKSPACE.version}
            group = {
                "name": WORKSPACE.group,
                "versions": [version],
                "preferredVersion": version,
            }
            return web.json_response({"groups": [group]})
        if request.path == _VERSION:
            resource = _resource(WORKSPACE.plural, WORKSPACE.kind, True)
            return web.json_response({"resources": [resource]})
        if self.refusal is not None and request.path.startswith(_VERSION):
            self.refused += 1
            return await self._refuse(request, self.refusal)
        if request.path == f"{_VERSION}/{WORKSPACE.plural}":
            return await (self._watch(request) if "watch" in request.query else self._list())
        if request.path == "/api":
            return web.json_response({"versions": ["v1"]})
        if request.path == "/api/v1":
            return web.json_response({"resources": [_resource("namespaces", "Namespace", False)]})
        raise web.HTTPNotFound()

    def refuse(self, status: int) -> None:
        """Answers with this status from now on, or closes connections for 0, and ends watches."""
        self.refusal, self.refused = status, 0
        self._ended.set()

    def recover(self) -> None:
        self.refusal = None
        self._ended.clear()

    async def _refuse(self, request: web.Request, status: int) -> web.StreamResponse:
        if not status:
            assert request.transport is not None
            request.transport.close()
        message = f"workspaces.kaito.sh is forbidden: status {status}"
        body = {"kind": "Status", "code": status, "message": message}
        return web.json_response(body, status=status or 500)

    async def _list(self) -> web.StreamResponse:
        metadata = {"resourceVersion": str(self._version)}
        return web.json_response({"metadata": metadata, "items": [*self._workspaces.values()]})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse()
        await stream.prepare(request)
        self.watches.append(stream)
        try:
            await self._ended.wait()
        finally:
            self.watches.remove(stream)
        return stream


def _resource(plural: str, kind: str, namespaced: bool) -> Manifest:
    return {
        "name": plural,
        "singularName": kind.lower(),
        "kind": kind,
        "namespaced": namespaced,
        "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
    }


@asynccontextmanager
async def serving() -> AsyncIterator[ApiServer]:
    server = ApiServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        server.url = f"http://{host}:{port}"
        yield server
    finally:
        await runner.cleanup()
