"""Who the server is believed to be, who it is told that asks, and what is left behind."""

import asyncio
import json
import shutil
import socket
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from lightkube import KubeConfig
from lightkube.core.exceptions import ConfigError

from kaito_kube.connect import connect
from kaito_kube.errors import Forbidden, Unavailable
from kaito_kube.kinds import POD, Manifest
from kaito_kube.sockets import Sockets
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
    """Answers who shows this token, or anybody."""

    port: int = 0
    token: str = ""
    seen: list[web.BaseRequest] = field(default_factory=list)
    subjects: list[Any] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        self.seen.append(request)
        self.subjects.append((request.transport.get_extra_info("peercert") or {}).get("subject"))
        refused = self.token and request.headers.get("Authorization") != f"Bearer {self.token}"
        self.statuses.append(401 if refused else 200)
        if refused:
            return web.Response(status=401, text="Unauthorized")
        if "watch" in request.query:
            return web.Response(text=f"{CHANGE}\n")
        return web.json_response(await request.json() if request.can_read_body else POD_1)


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


def speaking(pki: Path, name: str = "apiserver", *, asks_who: bool = False) -> ssl.SSLContext:
    """TLS with that certificate."""
    pair = certificates.pair(pki, name)
    context = ssl.create_default_context(
        ssl.Purpose.CLIENT_AUTH, cafile=str(certificates.pair(pki, certificates.CA).cert)
    )
    context.load_cert_chain(pair.cert, pair.key)
    context.verify_mode = ssl.CERT_REQUIRED if asks_who else ssl.CERT_NONE
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


@pytest.mark.parametrize("inline", [True, False], ids=["in it", "beside it"])
async def test_a_client_certificate_is_shown(
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
    async with serving(speaking(pki, asks_who=True)) as server:
        kubeconfig(tmp_path, monkeypatch, f"https://127.0.0.1:{server.port}", cluster, user)
        async with connect("kaito-test") as api:
            assert await api.get(POD, "a", "team") == POD_1
    assert "kaito-admin" in str(server.subjects)


async def test_who_shows_no_certificate_where_one_is_asked_for_has_no_answer(
    pki: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = {"certificate-authority-data": data(certificates.pair(pki, certificates.CA).cert)}
    async with serving(speaking(pki, asks_who=True)) as server:
        kubeconfig(tmp_path, monkeypatch, f"https://127.0.0.1:{server.port}", cluster, {})
        async with connect("kaito-test") as api:
            with pytest.raises(Unavailable):
                await api.get(POD, "a", "team")
    assert server.seen == []


@pytest.mark.parametrize(
    ("trusted", "insecure", "certificate", "believed"),
    [
        (certificates.CA, False, "apiserver", True),
        (certificates.CA, False, "coredns", False),
        (certificates.ETCD_CA, False, "apiserver", False),
        ("", False, "apiserver", False),
        ("", True, "coredns", True),
    ],
    ids=["its authority", "not its name", "another authority", "the system's", "insecure"],
)
async def test_a_server_is_believed_only_as_the_kubeconfig_says(
    pki: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trusted: str,
    insecure: bool,
    certificate: str,
    believed: bool,
) -> None:
    cluster: dict[str, object] = {"insecure-skip-tls-verify": insecure}
    if trusted:
        cluster["certificate-authority-data"] = data(certificates.pair(pki, trusted).cert)
    async with serving(speaking(pki, certificate)) as server:
        url = f"https://127.0.0.1:{server.port}"
        kubeconfig(tmp_path, monkeypatch, url, cluster, {"token": "secret"})
        async with connect("kaito-test") as api:
            if believed:
                assert await api.get(POD, "a", "team") == POD_1
            else:
                with pytest.raises(Unavailable, match="certificate verify failed"):
                    await api.get(POD, "a", "team")
    tokens = [request.headers["Authorization"] for request in server.seen]
    assert tokens == (["Bearer secret"] if believed else [])


async def test_the_environments_proxy_is_asked(
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


def in_a_pod(folder: Path, pki: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ServiceAccount as the kubelet mounts it; returns where its token is."""
    shutil.copy(certificates.pair(pki, certificates.CA).cert, folder / "ca.crt")
    (folder / "namespace").write_text("kaito")
    token = folder / "token"
    token.write_text("first\n")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(port))
    read = partial(KubeConfig.from_env, service_account=folder)
    monkeypatch.setattr(KubeConfig, "from_env", read)
    return token


async def test_a_pods_token_is_read_again_when_it_is_refused(
    pki: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kubelet writes another before the old one ends; what was asked is asked anew, whole."""
    async with serving(speaking(pki)) as server:
        token = in_a_pod(tmp_path, pki, server.port, monkeypatch)
        async with connect("kaito-test") as api:
            server.token = "first"
            await api.get(POD, "a", "team")
            for server.token in ("second", "third"):
                token.write_text(server.token)
                made = await api.create(POD, POD_1)
                assert made["metadata"]["name"] == "a"
            server.token = "fourth"
            token.write_text(server.token)
            assert (await anext(aiter(api.watch(POD, "1")))).type == "ADDED"
            await api.get(POD, "a", "team")
    assert server.statuses[:7] == [200, 401, 200, 401, 200, 401, 200]
    assert set(server.statuses[7:]) == {200}


async def test_a_token_that_stays_refused_is_the_servers_word(
    pki: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(speaking(pki)) as server:
        in_a_pod(tmp_path, pki, server.port, monkeypatch)
        server.token = "another"
        async with connect("kaito-test") as api:
            with pytest.raises(Forbidden):
                await api.get(POD, "a", "team")
    assert server.statuses == [401, 401]


async def test_without_any_configuration_nothing_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(ConfigError):
        connect("kaito-test")


@pytest.mark.parametrize("pause", [0.0, 0.002, 0.005, 0.01, 0.05])
async def test_nothing_is_left_open_of_what_was_given_up(
    pki: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pause: float
) -> None:
    """Wherever it was: on its way, being greeted, or waiting for its answer."""
    made: list[socket.socket] = []
    make = Sockets.make

    def noted(self: Sockets, address: Any) -> socket.socket:
        made.append(make(self, address))
        return made[-1]

    async def never(_: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(5)
        return web.Response()

    monkeypatch.setattr(Sockets, "make", noted)
    monkeypatch.setattr(Server, "answer", staticmethod(never))
    async with serving(speaking(pki)) as server:
        in_a_pod(tmp_path, pki, server.port, monkeypatch)
        async with connect("kaito-test") as api:
            asking = asyncio.create_task(api.get(POD, "a", "team"))
            while not made:
                await asyncio.sleep(0)
            await asyncio.sleep(pause)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        assert [each.fileno() for each in made] == [-1]
