"""Connecting: certificates, credentials, proxies, and what a canceled request leaves open."""

import asyncio
import json
import shutil
import socket
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from lightkube import KubeConfig

from kaito_kube.connect import connect
from kaito_kube.errors import Forbidden, Unavailable
from kaito_kube.kinds import POD, Manifest
from kaito_kube.sockets import Sockets
from kaito_process.environment import SettingError
from tools.local_cluster.pki import certificates

POD_1: Manifest = {"metadata": {"name": "a", "namespace": "team"}}
CHANGE = json.dumps({"type": "ADDED", "object": POD_1})


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    certificates.create_all(folder)
    return folder


@dataclass
class Server:
    """Accepts requests with this token, or all of them if it is empty. `date` is what its clock
    says, or empty for the machine's own."""

    port: int = 0
    token: str = ""
    date: str = ""
    seen: list[web.BaseRequest] = field(default_factory=list)
    subjects: list[Any] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        self.seen.append(request)
        self.subjects.append((request.transport.get_extra_info("peercert") or {}).get("subject"))
        rejected = self.token and request.headers.get("Authorization") != f"Bearer {self.token}"
        self.statuses.append(401 if rejected else 200)
        if rejected:
            return web.Response(status=401, text="Unauthorized")
        if "watch" in request.query:
            return web.Response(text=f"{CHANGE}\n")
        sent = await request.json() if request.can_read_body else POD_1
        return web.json_response(sent, headers={"Date": self.date} if self.date else None)


@asynccontextmanager
async def serving(context: ssl.SSLContext | None) -> AsyncIterator[Server]:
    server = Server()
    runner = web.ServerRunner(web.Server(server.answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await runner.cleanup()


def tls(pki: Path, name: str = "apiserver", *, client_certificate: bool = False) -> ssl.SSLContext:
    """A TLS context with that certificate."""
    pair = certificates.pair(pki, name)
    context = ssl.create_default_context(
        ssl.Purpose.CLIENT_AUTH, cafile=str(certificates.pair(pki, certificates.CA).cert)
    )
    context.load_cert_chain(pair.cert, pair.key)
    context.verify_mode = ssl.CERT_REQUIRED if client_certificate else ssl.CERT_NONE
    return context


def data(path: Path) -> str:
    return b64encode(path.read_bytes()).decode()


def kubeconfig(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    cluster: Mapping[str, object],
    user: Mapping[str, object],
) -> None:
    written = {
        "clusters": [{"name": "c", "cluster": {"server": url, **cluster}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(written))
    monkeypatch.setenv("KUBECONFIG", str(path))


@pytest.mark.parametrize("inline", [True, False], ids=["inline", "files"])
async def test_client_certificate_is_sent(
    pki: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inline: bool
) -> None:
    admin, authority = certificates.pair(pki, "admin"), certificates.pair(pki, certificates.CA).cert
    for path in (admin.cert, admin.key, authority):
        shutil.copy(path, tmp_path)
    if inline:
        cluster = {"certificate-authority-data": data(authority)}
        user = {"client-certificate-data": data(admin.cert), "client-key-data": data(admin.key)}
    else:
        cluster = {"certificate-authority": authority.name}
        user = {"client-certificate": admin.cert.name, "client-key": admin.key.name}
    async with serving(tls(pki, client_certificate=True)) as server:
        kubeconfig(tmp_path, monkeypatch, f"https://127.0.0.1:{server.port}", cluster, user)
        async with connect("kaito-test") as api:
            assert await api.get(POD, "a", "team") == POD_1
    assert "kaito-admin" in str(server.subjects)


async def test_connection_without_a_required_client_certificate_fails(
    pki: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = {"certificate-authority-data": data(certificates.pair(pki, certificates.CA).cert)}
    async with serving(tls(pki, client_certificate=True)) as server:
        kubeconfig(tmp_path, monkeypatch, f"https://127.0.0.1:{server.port}", cluster, {})
        async with connect("kaito-test") as api:
            with pytest.raises(Unavailable):
                await api.get(POD, "a", "team")
    assert server.seen == []


@pytest.mark.parametrize(
    ("trusted", "insecure", "certificate", "trusted_server"),
    [
        (certificates.CA, False, "apiserver", True),
        (certificates.CA, False, "coredns", False),
        (certificates.ETCD_CA, False, "apiserver", False),
        ("", False, "apiserver", False),
        ("", True, "coredns", True),
    ],
    ids=["its CA", "another name", "another CA", "system CAs", "insecure"],
)
async def test_server_certificate_is_verified_as_the_kubeconfig_says(
    pki: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trusted: str,
    insecure: bool,
    certificate: str,
    trusted_server: bool,
) -> None:
    cluster: dict[str, object] = {"insecure-skip-tls-verify": insecure}
    if trusted:
        cluster["certificate-authority-data"] = data(certificates.pair(pki, trusted).cert)
    async with serving(tls(pki, certificate)) as server:
        url = f"https://127.0.0.1:{server.port}"
        kubeconfig(tmp_path, monkeypatch, url, cluster, {"token": "secret"})
        async with connect("kaito-test") as api:
            if trusted_server:
                assert await api.get(POD, "a", "team") == POD_1
            else:
                with pytest.raises(Unavailable, match="certificate verify failed"):
                    await api.get(POD, "a", "team")
    tokens = [request.headers["Authorization"] for request in server.seen]
    assert tokens == (["Bearer secret"] if trusted_server else [])


async def test_proxy_of_the_environment_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(None) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        kubeconfig(tmp_path, monkeypatch, "http://api.invalid", {}, {"token": "secret"})
        async with connect("kaito-test") as api:
            assert await api.get(POD, "a", "team") == POD_1
    assert [request.host for request in proxy.seen] == ["api.invalid"]


@pytest.mark.parametrize(
    ("date", "taken"),
    [
        ("Thu, 01 Jan 2026 11:00:00 GMT", datetime(2026, 1, 1, 11, tzinfo=UTC)),
        ("yesterday", None),
    ],
    ids=["a date", "nonsense"],
)
async def test_clock_of_a_connection_has_the_servers_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, date: str, taken: datetime | None
) -> None:
    """Spans since times that the API server wrote do not depend on the machine's time of day."""
    async with serving(None) as server:
        url = f"http://127.0.0.1:{server.port}"
        kubeconfig(tmp_path, monkeypatch, url, {}, {"token": "secret"})
        async with connect("kaito-test") as api:
            server.date = date
            await api.get(POD, "a", "team")
            expected = taken or datetime.now(UTC)
            assert abs(api.clock.now() - expected) < timedelta(minutes=5)
            server.date = "Thu, 01 Jan 2026 12:00:00 GMT"
            await api.get(POD, "a", "team")
            if taken is not None:
                assert abs(api.clock.now() - taken) < timedelta(minutes=5), "only the first counts"


def mount_service_account(
    folder: Path, pki: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Mounts a ServiceAccount as the kubelet does; returns the path of its token."""
    shutil.copy(certificates.pair(pki, certificates.CA).cert, folder / "ca.crt")
    (folder / "namespace").write_text("kaito")
    token = folder / "token"
    token.write_text("first\n")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(port))
    read = partial(KubeConfig.from_env, service_account=folder)
    monkeypatch.setattr(KubeConfig, "from_env", read)
    return token


async def test_rejected_pod_token_is_read_again(
    pki: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kubelet rotates tokens before they expire; the request is repeated in full."""
    async with serving(tls(pki)) as server:
        token = mount_service_account(tmp_path, pki, server.port, monkeypatch)
        async with connect("kaito-test") as api:
            server.token = "first"
            await api.get(POD, "a", "team")
            for server.token in ("second", "third"):
                token.write_text(server.token)
                stored = await api.create(POD, POD_1)
                assert stored["metadata"]["name"] == "a"
            server.token = "fourth"
            token.write_text(server.token)
            assert (await anext(aiter(api.watch(POD, "1")))).type == "ADDED"
            await api.get(POD, "a", "team")
    assert server.statuses[:7] == [200, 401, 200, 401, 200, 401, 200]
    assert set(server.statuses[7:]) == {200}


async def test_token_that_stays_rejected_is_forbidden(
    pki: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tls(pki)) as server:
        mount_service_account(tmp_path, pki, server.port, monkeypatch)
        server.token = "another"
        async with connect("kaito-test") as api:
            with pytest.raises(Forbidden):
                await api.get(POD, "a", "team")
    assert server.statuses == [401, 401]


@pytest.mark.parametrize(
    "content",
    [None, "", "[", "{}", "clusters: 3", "current-context: x\nclusters: []\ncontexts: []\n"],
    ids=["no file", "empty", "no YAML", "no clusters", "no list", "no such context"],
)
async def test_unusable_kubeconfig_is_named_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    path = tmp_path / "kubeconfig"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("KUBECONFIG", str(path))
    with pytest.raises(SettingError, match=f"KUBECONFIG is '{path}': run in a pod with a Serv"):
        connect("kaito-test")


@pytest.mark.parametrize("pause", [0.0, 0.002, 0.005, 0.01, 0.05])
async def test_canceled_request_leaves_no_socket_open(
    pki: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pause: float
) -> None:
    """Canceled while it waits for the connection, the TLS handshake, or the response."""
    created: list[socket.socket] = []
    create = Sockets.create

    def recorded(self: Sockets, address: Any) -> socket.socket:
        created.append(create(self, address))
        return created[-1]

    async def hang(_: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(5)
        return web.Response()

    monkeypatch.setattr(Sockets, "create", recorded)
    monkeypatch.setattr(Server, "answer", staticmethod(hang))
    async with serving(tls(pki)) as server:
        mount_service_account(tmp_path, pki, server.port, monkeypatch)
        async with connect("kaito-test") as api:
            request = asyncio.create_task(api.get(POD, "a", "team"))
            while not created:
                await asyncio.sleep(0)
            await asyncio.sleep(pause)
            request.cancel()
            await asyncio.gather(request, return_exceptions=True)
        assert [each.fileno() for each in created] == [-1]
