"""The front door's list: what is read, and when it is read anew."""

import asyncio
import os
from pathlib import Path

import pytest

from inference_gateway.fleet.backends_file import BackendsFile, BackendsFileError, follow, parse
from inference_gateway.fleet.place import Place
from tests.inference_gateway.running import until

ENTRY = "- {model: phi, namespace: n, workspace: w, address: 'w.n:29500'}\n"
PLACE = Place(namespace="n", workspace="w", model="phi", address="w.n:29500")


@pytest.mark.parametrize("text", ["", "backends:\n", "backends: []\n"])
def test_none(text: str) -> None:
    assert parse(text) == ()


def test_entries() -> None:
    assert parse("backends:\n" + ENTRY) == (PLACE,)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("a: [", "not YAML"),
        ("[1]", "a list named 'backends'"),
        ("backends: 5", "a list named 'backends'"),
        ("backends: [x]", r"backends\[0\]"),
        ("backends: [{model: phi, namespace: n, workspace: w}]", r"backends\[0\].address=None"),
        (
            "backends: [{model: phi, namespace: n, workspace: w, address: x}]",
            r"backends\[0\].address='x'",
        ),
    ],
    ids="yaml list number text missing port".split(),
)
def test_what_is_wrong_is_named(text: str, named: str) -> None:
    with pytest.raises(BackendsFileError, match=named):
        parse(text)


def mount(folder: Path, version: str, text: str) -> None:
    """As kubelet updates a ConfigMap: a new folder, and one symlink swapped to it."""
    (folder / version).mkdir()
    (folder / version / "backends.yaml").write_text(text)
    (folder / "new").symlink_to(version)
    os.replace(folder / "new", folder / "..data")
    if not (folder / "backends.yaml").is_symlink():
        (folder / "backends.yaml").symlink_to("..data/backends.yaml")


def test_only_new_content_counts(tmp_path: Path) -> None:
    mount(tmp_path, "v1", "backends:\n" + ENTRY)
    file = BackendsFile(tmp_path / "backends.yaml")
    assert file.changed() == (PLACE,)
    mount(tmp_path, "v2", "backends:\n" + ENTRY)
    assert file.changed() is None
    mount(tmp_path, "v3", "backends: []")
    assert file.changed() == ()


def test_trouble_is_told_once_and_mends(tmp_path: Path) -> None:
    file = BackendsFile(tmp_path / "backends.yaml")
    with pytest.raises(BackendsFileError, match="No such file"):
        file.changed()
    assert file.changed() is None
    mount(tmp_path, "v1", "backends: 5")
    with pytest.raises(BackendsFileError, match="a list named"):
        file.changed()
    assert file.changed() is None
    mount(tmp_path, "v2", "backends: []")
    assert file.changed() == ()


async def test_followed(tmp_path: Path) -> None:
    applied: list[tuple[Place, ...]] = []
    mount(tmp_path, "v1", "backends: []")
    file = BackendsFile(tmp_path / "backends.yaml")
    task = asyncio.create_task(follow(file, applied.append, 0.01))
    await until(lambda: applied == [()])
    mount(tmp_path, "v2", "backends: 5")
    mount(tmp_path, "v3", "backends:\n" + ENTRY)
    await until(lambda: applied == [(), (PLACE,)])
    task.cancel()
