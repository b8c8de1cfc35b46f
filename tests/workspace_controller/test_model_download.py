"""The program of the container model-download, as the pod runs it, against a hub on loopback."""

import http.client
import io
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kaito_api.reasons import REASONS
from tests.hub_stand_in import COMMIT, HubStandIn, StoredModel, hub_stand_in
from tests.waiting import HANG_SECONDS, until_seen
from tests.workspace_controller.manifests.pod_builders import PODS, env_of
from workspace_controller import model_download
from workspace_controller.model_download import (
    Failed,
    File,
    Progress,
    Redirects,
    Speed,
    files_of,
)

NAME = "org/Small-1B"
SIZES = {"a": 4000, "b": 6000}
# More than one chunk is on the disk before it stalls.
WEIGHTS, STALL, SEEN = os.urandom(5 * 2**20 + 7), 3 * 2**20, 2**20
FILES = {
    "config.json": b'{"architectures": ["LlamaForCausalLM"]}',
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"never read",
    "original/consolidated.00.pth": b"never read",
}


@dataclass
class Run:
    """One container after the other over the same volume."""

    hub: HubStandIn
    folder: Path
    report: Path
    env: dict[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> subprocess.Popen[bytes]:
        (container, *_) = PODS["hub"]["initContainers"]
        pod = {k: v for k, v in env_of(container).items() if k.startswith(("KAITO_", "HF_"))}
        environment = {
            **{k: v for k, v in os.environ.items() if "proxy" not in k.lower()},
            **pod,
            "KAITO_HUB_ID": NAME,
            "KAITO_HUB_REVISION": COMMIT,
            "KAITO_MODEL_PATH": str(self.folder),
            "KAITO_METRICS_PORT": "0",
            "KAITO_TERMINATION_LOG": str(self.report),
            "HF_ENDPOINT": self.hub.address,
            "HF_TOKEN": "",
            "HOME": str(self.folder.parent),
            **self.env,
        }
        _, *command = container["command"]
        with self._log.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *command], env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        self.processes.append(process)
        return process

    def finish(self) -> int:
        return self.start().wait(timeout=HANG_SECONDS)

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    @property
    def _log(self) -> Path:
        return self.folder.parent / "log"

    @property
    def log(self) -> str:
        return self._log.read_text()

    def reported(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.report.read_text())
        return found

    def read(self, path: str) -> str:
        """What the program serves; empty before it listens."""
        found = re.search(r"progress at port (\d+)", self.log)
        if found is None:
            return ""
        url = f"http://127.0.0.1:{found.group(1)}{path}"
        with urllib.request.urlopen(url, timeout=HANG_SECONDS) as response:
            body: str = response.read().decode()
        return body

    def progress(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.read("/progress") or '{"doneBytes": 0}')
        return found


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    folder = tmp_path / "model"
    folder.mkdir()
    with hub_stand_in(HubStandIn(models={NAME: StoredModel(dict(FILES))})) as hub:
        run = Run(hub, folder, tmp_path / "termination-log")
        yield run
        run.end()


def test_what_an_engine_reads_arrives_whole(run: Run) -> None:
    assert run.finish() == 0, run.log
    assert (run.folder / "model.safetensors").read_bytes() == WEIGHTS
    assert (run.folder / "config.json").read_bytes() == FILES["config.json"]
    assert not (run.folder / "pytorch_model.bin").exists()
    assert not (run.folder / "original").exists()
    assert not any(run.hub.authorizations)


def test_a_complete_model_needs_no_hub(run: Run) -> None:
    """A pod that starts again on its node serves, whatever has become of the hub."""
    assert run.finish() == 0, run.log
    before = len(run.hub.requests)
    run.hub.status = 503
    assert run.finish() == 0, run.log
    assert len(run.hub.requests) == before


async def test_a_download_that_is_killed_goes_on_where_it_was(run: Run) -> None:
    run.hub.stall_after["model.safetensors"] = STALL
    process = run.start()
    await until_seen("bytes of the weights", lambda: run.progress()["doneBytes"] > SEEN)
    process.terminate()
    # As the first process of a container it would ignore the signal.
    assert process.wait(timeout=HANG_SECONDS) == 143
    run.hub.release()
    assert run.finish() == 0, run.log
    assert (run.folder / "model.safetensors").read_bytes() == WEIGHTS
    starts = [int(each.removeprefix("bytes=").split("-")[0]) for each in run.hub.ranges]
    # What was seen counts the bytes of config.json, too.
    assert any(SEEN <= start < len(WEIGHTS) for start in starts), run.hub.ranges
    assert not list(run.folder.rglob("*.part"))


async def test_a_download_that_is_stopped_during_its_imports_ends(run: Run, tmp_path: Path) -> None:
    waits = "import signal\nprint('importing', flush=True)\nsignal.pause()\n"
    (tmp_path / "random.py").write_text(waits)
    run.env["PYTHONPATH"] = str(tmp_path)
    process = run.start()
    await until_seen("the imports", lambda: "importing" in run.log)
    process.terminate()
    assert process.wait(timeout=HANG_SECONDS) == 143


async def test_progress_is_served_while_files_arrive(run: Run) -> None:
    run.hub.stall_after["model.safetensors"] = STALL
    process = run.start()
    await until_seen("bytes of the weights", lambda: run.progress()["doneBytes"] > SEEN)
    total = len(WEIGHTS) + len(FILES["config.json"])
    found = run.progress()
    assert found["totalBytes"] == total
    assert found["doneBytes"] < total
    assert f"kaito_model_download_total_bytes {total}\n" in run.read("/metrics")
    run.hub.release()
    assert process.wait(timeout=HANG_SECONDS) == 0


async def test_what_has_arrived_is_on_the_disk_whatever_the_size_of_a_chunk(run: Run) -> None:
    run.hub.stall_after["model.safetensors"] = 100_000
    process = run.start()
    await until_seen("a part of a chunk", lambda: run.progress()["doneBytes"] > 50_000)
    run.hub.release()
    assert process.wait(timeout=HANG_SECONDS) == 0


def test_a_file_that_arrives_damaged_is_fetched_again(run: Run) -> None:
    run.hub.damaged["model.safetensors"] = 1
    assert run.finish() == 0, run.log
    assert "model.safetensors arrived with another digest than the hub's" in run.log
    assert (run.folder / "model.safetensors").read_bytes() == WEIGHTS


def test_a_file_that_is_always_damaged_is_never_served(run: Run) -> None:
    run.hub.damaged["model.safetensors"] = 100
    assert run.finish() == 1
    assert run.reported() == {
        "reason": "ContainerCrashed",
        "message": "model.safetensors arrived with another digest than the hub's, 3 times: a "
        "mirror or proxy changes it, or the disk of the node is broken",
        "retryable": True,
    }
    assert not (run.folder / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("facts", "revision", "token", "reason", "message"),
    [
        ({"gated": True}, COMMIT, "hf_none", "ModelGated", "accept its license"),
        ({"private": True}, COMMIT, "", "ModelUnknown", "the token does not open it"),
        ({}, "b" * 40, "", "ModelUnknown", "no such model or revision"),
    ],
    ids=["no access", "private", "revision is gone"],
)
def test_a_refusal_of_the_hub_is_reported(
    run: Run, facts: dict[str, Any], revision: str, token: str, reason: str, message: str
) -> None:
    run.hub.models[NAME] = StoredModel(dict(FILES), **facts)
    run.hub.tokens = {"hf_none": frozenset()}
    run.env = {"KAITO_HUB_REVISION": revision, "HF_TOKEN": token}
    assert run.finish() == 1
    assert run.reported()["reason"] == reason
    assert message in run.reported()["message"]
    assert "hf_none" not in run.log + run.report.read_text()


def test_a_token_opens_a_gated_model(run: Run) -> None:
    run.hub.models[NAME] = StoredModel(dict(FILES), gated=True)
    run.hub.tokens = {"hf_opens": frozenset({NAME})}
    # Tokens that were put into a file often end with a line break.
    run.env = {"HF_TOKEN": "hf_opens\n"}
    assert run.finish() == 0, run.log


def test_the_token_does_not_go_where_the_hub_stores_large_files(run: Run) -> None:
    run.hub.models[NAME] = StoredModel(dict(FILES), gated=True)
    run.hub.tokens = {"hf_opens": frozenset({NAME})}
    run.env = {"HF_TOKEN": "hf_opens"}
    with hub_stand_in(HubStandIn(models={NAME: StoredModel(dict(FILES))})) as storage:
        run.hub.storage = storage.address.replace("127.0.0.1", "localhost")
        assert run.finish() == 0, run.log
        assert storage.requests and not any(storage.authorizations)
    assert (run.folder / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize("token", ["hf_first\nhf_second", "hf_\u20acuro"])
def test_what_is_no_token_is_refused_and_never_shown(run: Run, token: str) -> None:
    run.env = {"HF_TOKEN": token}
    assert run.finish() == 1
    assert run.reported()["reason"] == "ModelGated"
    assert "HF_TOKEN of the Secret" in run.reported()["message"]
    assert "hf_" not in run.log + run.report.read_text()
    assert not run.hub.requests


@pytest.mark.parametrize(
    ("target", "goes"),
    [
        ("https://hub.example/new", True),
        ("http://hub.example/new", False),
        ("https://hub.example:8443/new", False),
        ("https://storage.example/new", False),
    ],
)
def test_the_token_follows_only_to_the_hub_itself(target: str, goes: bool) -> None:
    request = urllib.request.Request("https://hub.example/old")
    request.add_unredirected_header("Authorization", "Bearer hf_secret")
    headers = http.client.HTTPMessage()
    after = Redirects().redirect_request(request, io.BytesIO(), 302, "Found", headers, target)
    assert after is not None and after.has_header("Authorization") is goes


def test_a_hub_that_comes_back_is_waited_for(run: Run) -> None:
    run.hub.away_for = 2
    assert run.finish() == 0, run.log
    assert "HTTPError: HTTP Error 503" in run.log


def test_speed_is_that_of_the_last_minute() -> None:
    speed = Speed()
    assert speed.bytes_per_second() == 0
    for second in range(0, 201, 2):
        speed.add(float(second), 100 * second if second < 100 else 10_000 + 5 * (second - 100))
    assert speed.bytes_per_second() == 5
    speed.add(202.0, 0)
    assert speed.bytes_per_second() == 0


def test_the_remaining_time_follows_from_the_speed(tmp_path: Path) -> None:
    progress = Progress()
    progress.files = [File(tmp_path, {"rfilename": n, "size": s}) for n, s in SIZES.items()]
    progress.sample(0.0)
    (tmp_path / "a").write_bytes(b"a" * 4000)
    (tmp_path / "b.part").write_bytes(b"b" * 1000)
    progress.sample(5.0)
    found = progress.document()
    assert (found["doneBytes"], found["totalBytes"], found["bytesPerSecond"]) == (5000, 10000, 1000)
    assert found["remainingSeconds"] == 5


def test_what_an_earlier_container_has_brought_is_no_speed(tmp_path: Path) -> None:
    progress = Progress()
    # It samples from its start, and the hub has not answered yet.
    progress.sample(0.0)
    (tmp_path / "a.part").write_bytes(b"a" * 3000)
    progress.files = [File(tmp_path, {"rfilename": n, "size": s}) for n, s in SIZES.items()]
    progress.sample(2.0)
    assert progress.document()["remainingSeconds"] is None
    (tmp_path / "a.part").write_bytes(b"a" * 3200)
    progress.sample(4.0)
    found = progress.document()
    assert (found["doneBytes"], found["bytesPerSecond"]) == (3200, 100)
    assert found["remainingSeconds"] == 68


def test_nothing_is_known_before_the_hub_has_answered() -> None:
    found = Progress().document()
    assert (found["totalBytes"], found["remainingSeconds"]) == (0, None)


@pytest.mark.parametrize("size", [{}, {"size": None}, {"lfs": {"sha256": "f"}}])
def test_a_file_without_a_size_is_no_empty_file(tmp_path: Path, size: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="without its size"):
        File(tmp_path, {"rfilename": "model.safetensors", **size})


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x"])
def test_no_file_leaves_the_folder_of_the_model(tmp_path: Path, name: str) -> None:
    with pytest.raises(Failed, match="outside of the model"):
        File(tmp_path, {"rfilename": name, "size": 1})


def test_a_file_that_is_listed_twice_is_brought_once(tmp_path: Path) -> None:
    """Two at a time would write to one path."""
    names = ("a/x", "a/x", "a/./x", "y", "ignored.bin")
    siblings = [{"rfilename": name, "size": 1} for name in names]
    found = files_of({"siblings": siblings}, tmp_path, ["*.bin"])
    assert [file.name for file in found] == ["a/x", "y"]


def test_a_file_at_the_place_of_anothers_parts_is_refused_by_name(tmp_path: Path) -> None:
    siblings = [{"rfilename": name, "size": 1} for name in ("x.part", "x")]
    with pytest.raises(Failed, match=r"lists 'x' and 'x\.part', and the second is where the first"):
        files_of({"siblings": siblings}, tmp_path, [])
    assert len(files_of({"siblings": siblings}, tmp_path, ["*.part"])) == 1


def test_the_program_reports_reasons_that_exist() -> None:
    text = Path(model_download.__file__).read_text()
    reported = {line.split('"')[1] for line in text.splitlines() if 'Failed("' in line}
    assert reported and reported <= set(REASONS)
