"""A file reaches its volume whole or not at all, whatever breaks on its way."""

import os
from pathlib import Path
from typing import Any

import pytest

from kaito_kube.errors import Forbidden, Unavailable
from kaito_kube.kinds import POD, VOLUME_CLAIM, Key, Manifest
from kubectl_kaito.cluster.fake import FakeCluster
from kubectl_kaito.errors import CommandError
from kubectl_kaito.upload import manifests
from kubectl_kaito.upload.local_file import LocalFile, read_local_file
from kubectl_kaito.upload.transfer import Upload, upload
from tests.kubectl_kaito.upload.local_pod import LocalPod

CLAIM, UPLOAD_POD = Key("team", "ws-data-1"), Key("team", "ws-data-1-upload")
SIZE = 1_000_000


class Machine:
    """A file of the user's, a cluster, and a volume in it."""

    def __init__(self, folder: Path, *breaks: int | None) -> None:
        self.volume = folder / "volume"
        self.volume.mkdir()
        self.path = folder / "train.jsonl"
        self.path.write_bytes(os.urandom(SIZE))
        self.pod = LocalPod(self.volume, list(breaks))
        self.cluster = FakeCluster(programs=self.pod)
        self.pauses = 0
        self.starts = True
        self.done: list[int] = []

    def pause(self, seconds: float) -> None:
        self.pauses += 1
        found = self.cluster.store.peek(POD, UPLOAD_POD.name, UPLOAD_POD.namespace)
        if self.starts and found is not None:
            self.set_status(containerStatuses=[{"state": {"running": {}}}])

    def set_status(self, **status: Any) -> None:
        self.cluster.store.change(POD, UPLOAD_POD, {"status": status})

    def upload(self, file: LocalFile | None = None) -> None:
        wanted = Upload(file or read_local_file(str(self.path)), CLAIM, "registry.local/tuner:1")
        upload(self.cluster, wanted, self.pause, self.done.append)

    @property
    def claim(self) -> Manifest:
        found = self.cluster.store.peek(VOLUME_CLAIM, CLAIM.name, CLAIM.namespace)
        assert found is not None
        return found

    @property
    def is_marked(self) -> bool:
        return manifests.DATASET_DIGEST in (self.claim["metadata"].get("annotations") or {})

    @property
    def visible(self) -> list[str]:
        """What a run would read of the volume."""
        return [path.name for path in self.volume.iterdir() if not path.name.startswith(".")]


def test_the_file_arrives_and_the_pod_is_gone(tmp_path: Path) -> None:
    made = Machine(tmp_path)
    made.upload()
    assert made.visible == ["train.jsonl"]
    assert (made.volume / "train.jsonl").read_bytes() == made.path.read_bytes()
    assert made.is_marked and made.done[-1] == SIZE
    assert made.cluster.store.objects(POD) == []
    assert made.claim["spec"]["resources"]["requests"]["storage"] == "1Gi"


@pytest.mark.parametrize(
    "breaks", [(0,), (1,), (300_000,), (300_000, 0, 400_000), (SIZE,)], ids=str
)
def test_a_lost_connection_is_taken_up_where_it_broke(
    tmp_path: Path, breaks: tuple[int, ...]
) -> None:
    made = Machine(tmp_path, *breaks)
    made.upload()
    assert (made.volume / "train.jsonl").read_bytes() == made.path.read_bytes()
    assert made.pod.connections == len(breaks) + 1
    assert made.visible == ["train.jsonl"]


def test_what_came_before_the_break_is_not_sent_again(tmp_path: Path) -> None:
    made = Machine(tmp_path, 600_000)
    made.upload()
    first, second = made.done[:2], made.done[2:]
    assert first == sorted(first)
    # The line that says from where on belongs to the bytes that are counted.
    assert min(second) > 590_000


def test_a_half_upload_is_hidden_and_its_volume_is_not_marked(tmp_path: Path) -> None:
    made = Machine(tmp_path, *[100_000] * 5)
    with pytest.raises(Unavailable):
        made.upload()
    assert made.visible == []
    assert not made.is_marked
    assert made.cluster.store.objects(POD) == []
    # The same command again goes on.
    made.upload()
    assert made.visible == ["train.jsonl"] and made.is_marked


def test_a_file_that_is_there_is_not_sent_again(tmp_path: Path) -> None:
    made = Machine(tmp_path)
    made.upload()
    made.upload()
    assert made.pod.connections == 1
    assert made.done[-1] == SIZE


def test_a_volume_that_lost_its_mark_only_is_not_filled_again(tmp_path: Path) -> None:
    made = Machine(tmp_path)
    made.upload()
    made.cluster.store.change(VOLUME_CLAIM, CLAIM, {"metadata": {"annotations": None}})
    made.done.clear()
    made.upload()
    assert made.done == [SIZE] and made.is_marked


def test_a_file_that_changes_meanwhile_is_refused(tmp_path: Path) -> None:
    made = Machine(tmp_path)
    before = read_local_file(str(made.path))
    made.path.write_bytes(os.urandom(SIZE))
    with pytest.raises(CommandError, match="has changed while it was uploaded"):
        made.upload(before)
    assert made.visible == [] and not made.is_marked
    assert list(made.volume.iterdir()) == []


def test_a_file_that_shrinks_meanwhile_is_refused(tmp_path: Path) -> None:
    made = Machine(tmp_path)
    before = read_local_file(str(made.path))
    made.path.write_bytes(b"short")
    with pytest.raises(CommandError, match="has changed while it was uploaded"):
        made.upload(before)
    assert made.visible == [] and not made.is_marked


def test_a_part_of_another_file_is_not_continued(tmp_path: Path) -> None:
    made = Machine(tmp_path)
    digest = read_local_file(str(made.path)).digest
    (made.volume / f".{digest[:16]}.partial").write_bytes(b"x" * 5000)
    made.upload()
    assert (made.volume / "train.jsonl").read_bytes() == made.path.read_bytes()


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ({}, "its volume and its image are not there yet"),
        (
            {"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes"}]},
            "not scheduled: 0/3 nodes",
        ),
        (
            {"containerStatuses": [
                {"state": {"waiting": {"reason": "ErrImagePull", "message": "no tag"}}}]},
            "ErrImagePull: no tag",
        ),
    ],
    ids=["nothing", "unschedulable", "image"],
)  # fmt: skip
def test_a_pod_that_does_not_start_says_what_it_waits_for(
    tmp_path: Path, status: dict[str, Any], text: str
) -> None:
    made = Machine(tmp_path)
    made.starts = False

    def pause(seconds: float) -> None:
        made.pauses += 1
        made.set_status(**status)

    made.pause = pause  # type: ignore[method-assign]
    with pytest.raises(CommandError, match=f"does not start, so nothing was uploaded: {text}"):
        made.upload()
    assert made.cluster.store.objects(POD) == []


def test_a_pod_that_has_ended_is_replaced(tmp_path: Path) -> None:
    made = Machine(tmp_path)
    old = {"metadata": {"name": UPLOAD_POD.name, "namespace": "team"}}
    made.cluster.store.seed(POD, {**old, "status": {"phase": "Failed"}})
    made.upload()
    assert made.visible == ["train.jsonl"]


def test_a_refusal_leaves_no_pod(tmp_path: Path) -> None:
    made = Machine(tmp_path)

    def refuse(command: object) -> Any:
        raise Forbidden("pods/exec is forbidden")

    made.cluster.programs = refuse
    with pytest.raises(Forbidden):
        made.upload()
    assert made.cluster.store.objects(POD) == []


def test_the_pod_meets_the_restricted_standard_and_ends_by_itself() -> None:
    spec = manifests.pod("ws-data-1", "registry.local/tuner:1")["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert spec["activeDeadlineSeconds"] > 0 and not spec["automountServiceAccountToken"]


@pytest.mark.parametrize(
    ("size", "storage"), [(1, "1Gi"), (2**30, "2Gi"), (10 * 2**30, "11Gi")], ids=str
)
def test_the_volume_has_room_for_the_file(size: int, storage: str) -> None:
    file = LocalFile(Path("x"), size, "ab")
    found = manifests.claim("c", file, "azurefile-csi")["spec"]
    assert found["resources"]["requests"]["storage"] == storage
    assert found["storageClassName"] == "azurefile-csi"
