"""The whole emulator over TLS: admin API, command line and background process."""

import asyncio
import ssl
from pathlib import Path

import aiohttp
import pytest

from tests.aks_emulator.builders import created
from tests.aks_emulator.conftest import Cloud, Start
from tools.aks_emulator import certificates, daemon
from tools.aks_emulator.__main__ import main
from tools.aks_emulator.admin_client import AdminClient, EmulatorError
from tools.aks_emulator.machines.provider import FakeMachines

HOSTS = ("172.30.0.1", "127.0.0.1", "localhost")


def test_certificates_are_recreated_only_for_a_new_name(tmp_path: Path) -> None:
    made = certificates.ensure(tmp_path, HOSTS)
    first = made.ca.read_bytes()
    assert made.server.stat().st_mode & 0o777 == 0o600
    assert made.ca.stat().st_mode & 0o777 == 0o644
    certificates.ensure(tmp_path, HOSTS)
    assert made.ca.read_bytes() == first
    certificates.ensure(tmp_path, (*HOSTS, "emulator"))
    assert made.ca.read_bytes() != first


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_certificate_is_valid_for_every_name(cloud: Cloud, host: str) -> None:
    context = ssl.create_default_context(cafile=str(cloud.ca))
    url = f"https://{host}:{cloud.settings.port}/_emulator/health"
    async with aiohttp.ClientSession() as session, session.get(url, ssl=context) as response:
        assert (await response.json())["status"] == "ok"


async def test_admin_api(cloud: Cloud) -> None:
    admin = AdminClient(cloud.settings.url, cloud.ca)

    async def request(
        method: str, path: str, body: dict[str, object] | None = None
    ) -> dict[str, object]:
        return await asyncio.to_thread(admin.call, method, path, body)

    made = await request("POST", "faults", {"kind": "slow", "seconds": 3, "pool": "ws*"})
    listed = await request("GET", "faults")
    assert listed["faults"] == [made]
    await request("POST", "faults", {"kind": "conflict"})
    assert await request("DELETE", "faults/conflict") == {"cleared": 1}
    assert await request("DELETE", "faults") == {"cleared": 1}
    with pytest.raises(EmulatorError, match="kind 'fire' is unknown"):
        await request("POST", "faults", {"kind": "fire"})
    with pytest.raises(EmulatorError, match="count 'x' must be of type int"):
        await request("POST", "faults", {"kind": "slow", "count": "x"})
    with pytest.raises(EmulatorError, match="usage 'x' is unknown"):
        await request("PUT", "quota", {"x": 1})
    await request("PUT", "quota", {"cores": 24})
    assert cloud.azure.state.limits == {"cores": 24}
    assert await request("GET", "calls") == {"calls": {}, "total": 0}
    with pytest.raises(EmulatorError, match="power 'off': use stop or start"):
        await request("PUT", "power", {"power": "off"})
    # Without it the operation may end before the next request.
    await request("POST", "faults", {"kind": "slow", "seconds": 3600})
    assert (await request("PUT", "power", {"power": "stop"}))["power"] == "Running"
    with pytest.raises(EmulatorError, match="in progress"):
        await request("PUT", "power", {"power": "start"})
    assert cloud.azure.state.cluster.state == "Stopping"


def test_background_process_is_started_replaced_and_stopped(
    tmp_path: Path, unused_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "aks"
    where = ["--home", str(home), "--host", "127.0.0.1", "--port", str(unused_port)]
    started = [*where, "--prices-port", "0"]
    try:
        assert main(["up", *started, "--no-machines"]) == 0
        assert main(["up", *started, "--no-machines"]) == 0
        assert "was up already" in capsys.readouterr().out
        first = daemon.pidfile(home).read_text()
        (home / "emulator.mark").write_text("of another day")
        assert main(["up", *started, "--no-machines"]) == 0
        assert "is up" in capsys.readouterr().out
        assert daemon.pidfile(home).read_text() != first
        assert main(["status", *where]) == 0
        assert "ok at" in capsys.readouterr().out
        assert main(["faults", "set", "slow", "--seconds", "3", "--count", "1", *where]) == 0
        assert main(["faults", "list", *where]) == 0
        assert '"seconds": 3.0' in capsys.readouterr().out
        assert main(["faults", "clear", *where]) == 0
        assert main(["quota", "cores=12", *where]) == 0
        assert main(["power", "start", *where]) == 0
        assert main(["pools", *where]) == 0
        assert main(["prices", "Standard_NC6s_v3=4.2", *where]) == 0
        assert main(["book", *where]) == 0
        assert main(["calls", *where]) == 0
    finally:
        assert main(["down", *where, "--purge"]) == 0
    assert not daemon.pidfile(home).exists()
    assert not (home / "state.jsonl").exists()
    capsys.readouterr()
    assert main(["status", *where]) == 1
    assert "start it with `up`" in capsys.readouterr().err


def test_code_digest_changes_with_the_code(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one")
    (tmp_path / "notes.md").write_text("one")
    before = daemon.code_digest([tmp_path])
    (tmp_path / "notes.md").write_text("two")
    assert daemon.code_digest([tmp_path]) == before
    (tmp_path / "a.py").write_text("two")
    assert daemon.code_digest([tmp_path]) != before


async def test_pools_are_kept_until_the_cluster_is_recreated(start: Start) -> None:
    async def pools(cluster: str) -> set[str]:
        async with start(FakeMachines(cluster)) as cloud:
            return set(cloud.azure.state.pools)

    async with start(FakeMachines("one")) as cloud:
        cloud.azure.commit(created(cloud.azure.state, name="ws1").state)
    assert await pools("one") == {"system", "ws1"}
    assert await pools("another") == {"system"}
    assert await pools("one") == {"system"}


def test_missing_cluster_error_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KAITO_HOME", str(tmp_path))
    assert main(["up"]) == 1
    assert "bring it up first with `python -m tools.local_cluster up`" in capsys.readouterr().err
    assert main(["serve"]) == 1
    assert "no cluster for machines to join" in capsys.readouterr().err
