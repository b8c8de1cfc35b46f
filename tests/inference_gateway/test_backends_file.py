"""The front door's backends file: how it is parsed, and when it is read again."""

import asyncio
import os
from pathlib import Path

import pytest

from inference_gateway.endpoints.address import EndpointAddress
from inference_gateway.endpoints.backends_file import BackendsFile, BackendsFileError, follow, parse
from tests.waiting import until

ENTRY = "- {model: phi, namespace: n, workspace: w, address: 'w.n:29500'}\n"
ADDRESS = EndpointAddress(namespace="n", workspace="w", model="phi", target="w.n:29500")


@pytest.mark.parametrize("text", ["", "backends:\n", "backends: []\n"])
def test_empty_file_lists_no_backend(text: str) -> None:
    assert parse(text) == ()


def test_entries_become_addresses() -> None:
    assert parse("backends:\n" + ENTRY) == (ADDRESS,)


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
        (
            "backends: [{model: phi, namespace: n, workspace: w, address: 'x:65536'}]",
            r"backends\[0\].address='x:65536'",
        ),
    ],
    ids="yaml list number text missing port largest-port".split(),
)
def test_error_names_the_entry_and_field(text: str, named: str) -> None:
    with pytest.raises(BackendsFileError, match=named):
        parse(text)


def mount(folder: Path, version: str, text: str) -> None:
    """Updates a ConfigMap volume as the kubelet does: a new folder, and one symlink to it."""
    (folder / version).mkdir()
    (folder / version / "backends.yaml").write_text(text)
    (folder / "new").symlink_to(version)
    os.replace(folder / "new", folder / "..data")
    if not (folder / "backends.yaml").is_symlink():
        (folder / "backends.yaml").symlink_to("..data/backends.yaml")


def test_only_new_content_is_a_change(tmp_path: Path) -> None:
    mount(tmp_path, "v1", "backends:\n" + ENTRY)
    file = BackendsFile(tmp_path / "backends.yaml")
    assert file.read_if_changed() == (ADDRESS,)
    mount(tmp_path, "v2", "backends:\n" + ENTRY)
    assert file.read_if_changed() is None
    mount(tmp_path, "v3", "backends: []")
    assert file.read_if_changed() == ()


def test_error_is_raised_once_until_the_content_changes(tmp_path: Path) -> None:
    file = BackendsFile(tmp_path / "backends.yaml")
    with pytest.raises(BackendsFileError, match="No such file"):
        file.read_if_changed()
    assert file.read_if_changed() is None
    mount(tmp_path, "v1", "backends: 5")
    with pytest.raises(BackendsFileError, match="a list named"):
        file.read_if_changed()
    assert file.read_if_changed() is None
    mount(tmp_path, "v2", "backends: []")
    assert file.read_if_changed() == ()


async def test_changes_are_applied_and_bad_files_skipped(tmp_path: Path) -> None:
    applied: list[tuple[EndpointAddress, ...]] = []
    mount(tmp_path, "v1", "backends: []")
    file = BackendsFile(tmp_path / "backends.yaml")
    task = asyncio.create_task(follow(file, applied.append, 0.01))
    await until(lambda: applied == [()])
    mount(tmp_path, "v2", "backends: 5")
    mount(tmp_path, "v3", "backends:\n" + ENTRY)
    await until(lambda: applied == [(), (ADDRESS,)])
    task.cancel()


async def test_file_is_followed_whatever_goes_wrong(tmp_path: Path) -> None:
    """A date that no calendar has makes YAML's parser fail in its own way, and so may anything."""
    applied: list[tuple[EndpointAddress, ...]] = []

    def apply(addresses: tuple[EndpointAddress, ...]) -> None:
        applied.append(addresses)
        if len(applied) == 1:
            raise KeyError("a bug")

    mount(tmp_path, "v1", "backends: [{workspace: 2026-13-45}]")
    file = BackendsFile(tmp_path / "backends.yaml")
    task = asyncio.create_task(follow(file, apply, 0.01))
    await until(lambda: bool(file.digest))
    mount(tmp_path, "v2", "backends: []")
    await until(lambda: applied == [()])
    mount(tmp_path, "v3", "backends:\n" + ENTRY)
    await until(lambda: applied == [(), (ADDRESS,)])
    task.cancel()
