"""A process is identified by more than its id."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tools.local_cluster.processes import daemons


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "300"]) as process:
        yield process
        process.kill()


def test_this_process_is_running() -> None:
    identity = daemons.identify(os.getpid())
    assert identity is not None
    assert daemons.is_running(identity)


@pytest.mark.parametrize(
    "change", [{"started": 1}, {"boot": "another"}], ids=["recycled id", "after a reboot"]
)
def test_process_with_a_recycled_id_is_not_ours(change: dict[str, object]) -> None:
    identity = daemons.identify(os.getpid())
    assert identity is not None
    assert not daemons.is_running(replace(identity, **change))  # type: ignore[arg-type]


def test_pid_file_with_a_recycled_id_kills_nothing(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    identity = daemons.identify(sleeper.pid)
    assert identity is not None
    file = tmp_path / "p.json"
    file.write_text(json.dumps(asdict(replace(identity, started=identity.started - 1))))
    daemons.stop(file)
    assert sleeper.poll() is None
    assert not file.exists()


def test_stop_ends_the_process_and_removes_the_file(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    identity = daemons.identify(sleeper.pid)
    assert identity is not None
    file = tmp_path / "p.json"
    file.write_text(json.dumps(asdict(identity)))
    daemons.stop(file)
    assert sleeper.wait() != 0
    assert not file.exists()


@pytest.mark.parametrize("text", ["", "{}", "[]", "nonsense", '{"pid": 1}'])
def test_damaged_pid_file_is_ignored(tmp_path: Path, text: str) -> None:
    file = tmp_path / "p.json"
    file.write_text(text)
    assert daemons.find_running(file) is None


def test_tail_returns_the_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("".join(f"{n}\n" for n in range(30)))
    assert daemons.tail(log, lines=2) == "28\n29"
    assert "no log" in daemons.tail(tmp_path / "none")


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_cluster_addresses_bypass_the_proxy(name: str) -> None:
    environ = daemons.environment({name: "example.com", "HTTPS_PROXY": "http://p"})
    assert environ["NO_PROXY"].startswith("example.com,172.30.0.0/24,")
    assert environ["HTTPS_PROXY"] == "http://p"
    assert daemons.environment({})["no_proxy"].startswith("172.30.0.0/24,")
