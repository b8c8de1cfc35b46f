"""`tune --data FILE`: checked here, uploaded whole, and only then trained on."""

import os
from pathlib import Path

import pytest

from kaito_api.workspace import parse
from kaito_kube.errors import Unavailable
from kaito_kube.kinds import DEPLOYMENT, POD, VOLUME_CLAIM, WORKSPACE, Manifest, key_of
from kubectl_kaito.dataset.checker import DatasetReport
from kubectl_kaito.dataset.fake import FakeChecker
from kubectl_kaito.errors import CommandError
from tests.kubectl_kaito.console import Console
from tests.kubectl_kaito.deploy.test_deploy import PHI, released
from tests.kubectl_kaito.reconciled import Reconciled
from tests.kubectl_kaito.upload.local_pod import LocalPod


def tune(file: Path, *more: str) -> list[str]:
    adapter = ["--adapter", "registry.local/a:1", "--push-secret", "push"]
    return ["tune", PHI, "--data", str(file), *adapter, "--name", "mine", *more]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    path.write_text('{"prompt": "a", "completion": "b"}\n' * 100)
    return path


def uploading(folder: Path, *breaks: int) -> tuple[Reconciled, LocalPod]:
    """A release over a cluster whose upload pods start while the command waits."""
    made = released()
    volume = folder / "volume"
    volume.mkdir()
    pod = LocalPod(volume, list(breaks))
    made.cluster.programs = pod

    def go_on() -> None:
        for found in made.environment.cluster.objects(POD):
            if found["metadata"]["name"].endswith("-upload"):
                status: Manifest = {"status": {"containerStatuses": [{"state": {"running": {}}}]}}
                made.environment.cluster.change(POD, key_of(found), status)
                return
        made.rounds(1)

    made.console.during_pause = go_on
    return made, pod


def claim(made: Reconciled) -> Manifest:
    (found,) = made.environment.cluster.objects(VOLUME_CLAIM)
    return found


def test_a_local_file_is_checked_uploaded_and_trained_on(tmp_path: Path, file: Path) -> None:
    made, pod = uploading(tmp_path)
    result = made.console.run(*tune(file))
    assert result.code == 0, result
    assert f"{file}: 1,000 rows, about 200,000 tokens; 188 steps" in result.err
    assert "uploaded 100 % of train.jsonl" in result.err
    assert (pod.folder / "train.jsonl").read_bytes() == file.read_bytes()
    spec = parse(made.environment.workspace("mine"))
    assert spec.tuning is not None
    name = claim(made)["metadata"]["name"]
    assert spec.tuning.input.volume_source == {
        "persistentVolumeClaim": {"claimName": name, "readOnly": True}
    }
    assert made.environment.workspace("mine")["status"]["adapter"]["digest"]


def test_the_volume_goes_with_its_workspace(tmp_path: Path, file: Path) -> None:
    made, _ = uploading(tmp_path)
    made.console.run(*tune(file, "--no-wait"))
    (owner,) = claim(made)["metadata"]["ownerReferences"]
    assert owner["uid"] == made.environment.workspace("mine")["metadata"]["uid"]
    assert (owner["kind"], owner["name"]) == ("Workspace", "mine")


def test_another_file_gets_another_volume(tmp_path: Path, file: Path) -> None:
    made, _ = uploading(tmp_path)
    made.console.run(*tune(file, "--no-wait"))
    file.write_text('{"prompt": "c", "completion": "d"}\n')
    made.console.run(*tune(file, "--no-wait"))
    assert len(made.environment.cluster.objects(VOLUME_CLAIM)) == 2


def test_an_upload_that_fails_writes_no_workspace(tmp_path: Path, file: Path) -> None:
    made, pod = uploading(tmp_path, *[50] * 5)
    result = made.console.run(*tune(file))
    assert result.code == 3
    assert made.environment.cluster.objects(WORKSPACE) == []
    assert [path for path in pod.folder.iterdir() if not path.name.startswith(".")] == []
    assert made.console.run(*tune(file, "--no-wait")).code == 0


def test_a_dry_run_uploads_nothing(file: Path) -> None:
    result = Console(unreachable=True).run(*tune(file, "--dry-run"))
    assert result.code == 0
    source = result.yaml["tuning"]["input"]["volumeSource"]
    assert source["persistentVolumeClaim"]["claimName"].startswith("mine-data-")


@pytest.mark.parametrize(
    ("checker", "text"),
    [
        (FakeChecker(error=CommandError("train.jsonl has no columns of a known shape")), "known"),
        (
            FakeChecker(
                report=DatasetReport(
                    summary="",
                    rows=9,
                    dropped=9,
                    tokens=0,
                    trained_tokens=0,
                    steps=0,
                    exact=False,
                    problem="all 9 rows are lost",
                )
            ),
            "train.jsonl: all 9 rows are lost",
        ),
    ],
    ids=["no dataset", "no rows"],
)
def test_what_cannot_be_trained_on_is_not_uploaded(
    tmp_path: Path, file: Path, checker: FakeChecker, text: str
) -> None:
    made, pod = uploading(tmp_path)
    made.console.datasets = checker
    result = made.console.run(*tune(file))
    assert (result.code, text in result.err) == (1, True), result
    assert pod.connections == 0
    assert made.environment.cluster.objects(VOLUME_CLAIM) == []
    unchecked = made.console.run(*tune(file, "--no-check", "--no-wait"))
    assert unchecked.code == 0
    assert pod.connections == 1


@pytest.mark.parametrize("kind", ["folder", "empty"])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    made, _ = uploading(tmp_path)
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    else:
        path.touch()
    result = made.console.run(*tune(path))
    assert result.code == 2
    assert ("is a folder: name one file" if kind == "folder" else "is empty") in result.err


def test_without_the_releases_image_the_remedy_is_a_url(tmp_path: Path, file: Path) -> None:
    made, _ = uploading(tmp_path)
    made.cluster.denied = {DEPLOYMENT}
    result = made.console.run(*tune(file))
    assert (result.code, "name its URL with --data" in result.err) == (1, True), result


def test_a_cluster_that_is_away_is_named(file: Path) -> None:
    made = released()
    made.cluster.outage = Unavailable("https://10.0.0.1 does not answer")
    assert made.console.run(*tune(file)).code == 3


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("~no-such-user/x.jsonl", "no such file to read: Could not determine home directory"),
        ("x" * 300, "no such file to read: File name too long"),
        ("/dev/null", "is a pipe or a device: write it to a file"),
        ("/", "is a folder: name one file"),
    ],
)
def test_data_that_is_no_file_says_so(name: str, says: str) -> None:
    result = Console(unreachable=True).run(*tune(Path(name), "--dry-run"))
    assert result.code == 2, result
    assert f"--data {name!r}" in result.err and says in result.err


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (".train.jsonl", "a run does not read a file of this name: rename it"),
        (os.fsdecode(b"train-\xff.jsonl"), "is not UTF-8: rename the file"),
    ],
)
def test_a_file_whose_name_no_run_reads_is_not_uploaded(file: Path, name: str, says: str) -> None:
    hidden = file.rename(file.with_name(name))
    result = Console(unreachable=True).run(*tune(hidden, "--dry-run"))
    assert result.code == 2, result
    assert says in result.err


def test_a_workspace_that_is_refused_says_where_its_data_stays(tmp_path: Path, file: Path) -> None:
    made, _ = uploading(tmp_path)
    made.cluster.denied = {WORKSPACE}
    result = made.console.run(*tune(file))
    assert result.code == 5, result
    name = claim(made)["metadata"]["name"]
    assert f"`kubectl delete pvc {name} -n {claim(made)['metadata']['namespace']}`" in result.err
