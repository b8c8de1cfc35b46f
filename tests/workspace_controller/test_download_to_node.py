"""Downloads into the folder that a node keeps: by several pods, killed ones, and on bad disks."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub_stand_in import HubStandIn, StoredModel, hub_stand_in
from tests.waiting import HANG_SECONDS, until_seen
from tests.workspace_controller.test_model_download import (
    FILES,
    NAME,
    SEEN,
    STALL,
    WEIGHTS,
    Run,
)
from workspace_controller.model_cache import LOCK, PARTIAL
from workspace_controller.model_download import COMPLETE

ENTRY = "team/org--Small-1B--commit"


class Node:
    """Pods of one node, one container each, over the folder that it keeps."""

    def __init__(self, hub: HubStandIn, root: Path) -> None:
        self.hub, self.root = hub, root
        self.folder = root / "models" / ENTRY
        self.runs: list[Run] = []

    def pod(self) -> Run:
        """Another pod, with a log of its own."""
        home = self.root / f"pod-{len(self.runs)}"
        (home / "model").mkdir(parents=True)
        run = Run(self.hub, home / "model", home / "termination-log")
        run.env = {
            "KAITO_MODEL_CACHE": str(self.root / "models"),
            "KAITO_MODEL_PATH": str(self.folder),
        }
        self.runs.append(run)
        return run

    def fetched(self, name: str = "model.safetensors") -> int:
        """How often a file was requested from the hub."""
        return sum("/resolve/" in path and path.endswith(name) for path in self.hub.requests)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with hub_stand_in(HubStandIn(models={NAME: StoredModel(dict(FILES))})) as hub:
        node = Node(hub, tmp_path)
        yield node
        for run in node.runs:
            run.end()


def whole(node: Node) -> bool:
    return (node.folder / "model.safetensors").read_bytes() == WEIGHTS


def test_the_next_pod_of_the_node_needs_no_hub(node: Node) -> None:
    first, second = node.pod(), node.pod()
    assert first.finish() == 0, first.log
    assert whole(node)
    node.hub.status = 503
    before = len(node.hub.requests)
    assert second.finish() == 0, second.log
    assert "the node has the model already" in second.log
    assert len(node.hub.requests) == before


async def test_two_pods_at_once_download_once(node: Node) -> None:
    node.hub.stall_after["model.safetensors"] = STALL
    first, second = node.pod(), node.pod()
    one = first.start()
    await until_seen("bytes of the weights", lambda: first.progress()["doneBytes"] > SEEN)
    two = second.start()
    await until_seen("the second pod waits", lambda: "another pod of the node" in second.log)
    node.hub.release()
    assert one.wait(HANG_SECONDS) == 0, first.log
    assert two.wait(HANG_SECONDS) == 0, second.log
    assert "the node has the model already" in second.log
    assert node.fetched() == 1
    assert whole(node)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["ended", "killed"])
async def test_another_pod_goes_on_where_a_download_was_cut_off(
    node: Node, how: signal.Signals
) -> None:
    node.hub.stall_after["model.safetensors"] = STALL
    first, second = node.pod(), node.pod()
    process = first.start()
    await until_seen("bytes of the weights", lambda: first.progress()["doneBytes"] > SEEN)
    process.send_signal(how)
    process.wait(HANG_SECONDS)
    # Nobody takes a half of it for the model.
    assert not node.folder.exists()
    node.hub.release()
    assert second.finish() == 0, second.log
    assert whole(node)
    starts = [int(each.removeprefix("bytes=").split("-")[0]) for each in node.hub.ranges]
    assert any(SEEN <= start < len(WEIGHTS) for start in starts), node.hub.ranges
    assert not node.folder.with_name(node.folder.name + PARTIAL).exists()


def test_a_file_that_the_disk_has_damaged_is_downloaded_again_and_no_other(node: Node) -> None:
    first, second, third = node.pod(), node.pod(), node.pod()
    assert first.finish() == 0, first.log
    damaged = bytes([WEIGHTS[0] ^ 1]) + WEIGHTS[1:]
    (node.folder / "model.safetensors").write_bytes(damaged)
    assert second.finish() == 0, second.log
    assert "model.safetensors: damaged on the node's disk, and removed" in second.log
    assert whole(node)
    assert (node.fetched(), node.fetched("config.json")) == (2, 1)
    assert third.finish() == 0, third.log
    assert "the node has the model already" in third.log


def test_what_was_left_before_a_loss_of_power_is_checked(node: Node) -> None:
    """A file can have its name and its size, and no content."""
    partial = node.folder.with_name(node.folder.name + PARTIAL)
    partial.mkdir(parents=True)
    (partial / "model.safetensors").write_bytes(bytes(len(WEIGHTS)))
    run = node.pod()
    assert run.finish() == 0, run.log
    assert whole(node)


@pytest.mark.parametrize("without", ["siblings", "sizes", "model"])
def test_a_list_of_files_that_cannot_be_read_is_written_again(node: Node, without: str) -> None:
    first, second = node.pod(), node.pod()
    assert first.finish() == 0, first.log
    document = json.loads((node.folder / COMPLETE).read_text())
    del document[without]
    (node.folder / COMPLETE).write_text(json.dumps(document))
    assert second.finish() == 0, second.log
    assert without in json.loads((node.folder / COMPLETE).read_text())
    # The files were right, so that none of them was downloaded again.
    assert node.fetched() == 1


def test_a_file_that_is_missing_in_the_folder_is_downloaded(node: Node) -> None:
    first, second = node.pod(), node.pod()
    assert first.finish() == 0, first.log
    (node.folder / "config.json").unlink()
    assert second.finish() == 0, second.log
    assert (node.folder / "config.json").read_bytes() == FILES["config.json"]
    assert (node.fetched(), node.fetched("config.json")) == (1, 2)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two MiB, which the weights do not fit into."""
    disk = tmp_path / "models"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True
    )
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_full_is_said_and_leaves_no_model_behind(
    node: Node, small_disk: Path
) -> None:
    run = node.pod()
    assert run.finish() == 1, run.log
    assert run.reported() == {
        "reason": "ContainerCrashed",
        "message": "the disk of the node is full: the model does not fit",
        "retryable": True,
    }
    assert not node.folder.exists()
    # The kubelet would evict every pod of the node, and nothing would empty the disk.
    assert node.fetched() == 0
    assert "are to come, and" in run.log


def test_a_folder_that_cannot_be_written_is_named(node: Node) -> None:
    (node.root / "models").write_text("a file in its place")
    run = node.pod()
    assert run.finish() == 1
    assert run.reported()["reason"] == "ContainerCrashed"
    assert str(node.root / "models") in run.reported()["message"]


def test_the_lock_of_a_model_is_no_model(node: Node) -> None:
    run = node.pod()
    assert run.finish() == 0, run.log
    assert {path.name for path in node.folder.parent.iterdir()} == {
        node.folder.name,
        node.folder.name + LOCK,
    }
