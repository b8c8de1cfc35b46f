"""Which files of a real directory are data."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kaito_training.sections import DatasetConfig
from tuner.data.data_directory import find_data_files
from tuner.errors import RunError
from tuner.reasons import Reason

CONFIG = DatasetConfig()


def write(directory: Path, *names: str) -> None:
    for name in names:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text('{"text": "hello"}\n')


def found(directory: Path, config: DatasetConfig = CONFIG) -> list[str]:
    return [file.name for file in find_data_files(directory, config).files]


def test_volume_of_a_config_map_is_read_once(tmp_path: Path) -> None:
    """As the kubelet's atomic writer lays it out, with a key mapped to a path in a folder."""
    write(tmp_path, "..2026_01_01/a.jsonl", "..2026_01_01/sub/b.jsonl")
    (tmp_path / "..data").symlink_to("..2026_01_01")
    (tmp_path / "a.jsonl").symlink_to("..data/a.jsonl")
    (tmp_path / "sub").symlink_to("..data/sub")
    assert found(tmp_path) == ["a.jsonl", "sub/b.jsonl"]


def test_hidden_files_are_not_data(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", ".b.jsonl", ".cache/c.jsonl", "lost+found/d.jsonl")
    assert found(tmp_path) == ["a.jsonl"]


def test_text_beside_tables_is_notes(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", "notes.txt", "b.csv.gz", "CARD.md")
    assert found(tmp_path) == ["a.jsonl", "b.csv.gz"]
    assert found(tmp_path, DatasetConfig(dataset_extension="txt")) == ["notes.txt"]


def test_text_alone_is_data(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "b.txt.zst", "README.md")
    assert found(tmp_path) == ["a.txt", "b.txt.zst"]


def test_links_do_not_lead_out_of_the_data(tmp_path: Path) -> None:
    write(tmp_path, "secret/token.jsonl", "data/a.jsonl", "data/sub/b.jsonl")
    (tmp_path / "data" / "c.jsonl").symlink_to("../secret/token.jsonl")
    (tmp_path / "data" / "d").symlink_to("../secret")
    (tmp_path / "data" / "sub" / "loop").symlink_to("..")
    (tmp_path / "data" / "gone.jsonl").symlink_to("nowhere")
    assert found(tmp_path / "data") == ["a.jsonl", "sub/b.jsonl"]


@contextmanager
def as_another_user() -> Iterator[None]:
    """Root may list any folder."""
    user = os.geteuid()
    os.seteuid(user or 65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_folder_that_cannot_be_listed_is_named() -> None:
    # Not in pytest's own directory, which other users cannot enter.
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        write(Path(name), "a.jsonl", "closed/b.jsonl")
        (Path(name) / "closed").chmod(0)
        with (
            as_another_user(),
            pytest.raises(
                RunError, match=r"closed of the data cannot be listed: Permission denied"
            ) as caught,
        ):
            found(Path(name))
        assert caught.value.reason is Reason.DATA_UNREADABLE
        (Path(name) / "closed").chmod(0o755)


def test_hub_dataset_in_a_volume_is_taken_as_it_is(tmp_path: Path) -> None:
    write(tmp_path, "dataset_info.json", "train/0.jsonl", "validation/0.jsonl", "test/0.jsonl")
    (tmp_path / "README.md").write_text("# About\n")
    layout = find_data_files(tmp_path, CONFIG)
    assert {file.name: file.split for file in layout.files} == {
        "train/0.jsonl": "train",
        "validation/0.jsonl": "validation",
    }
    assert layout.left_out == {
        "README.md": "not data",
        "dataset_info.json": "not data",
        "test/0.jsonl": "of the split 'test'",
    }


def test_configuration_comes_from_the_readme(tmp_path: Path) -> None:
    write(tmp_path, "en/train.jsonl", "fr/train.jsonl")
    (tmp_path / "README.md").write_text(
        "---\nconfigs:\n- {config_name: english, data_files: en/*}\n"
        "- {config_name: french, data_files: fr/*}\n---\n"
    )
    with pytest.raises(RunError, match=r"2 configurations \(english, french\)"):
        found(tmp_path)
    assert found(tmp_path, DatasetConfig(dataset_config="french")) == ["fr/train.jsonl"]


def test_readme_with_broken_metadata_is_named(tmp_path: Path) -> None:
    write(tmp_path, "train.jsonl")
    (tmp_path / "README.md").write_text("---\nconfigs: [\n---\n")
    with pytest.raises(RunError, match=r"metadata at the head of .*README\.md") as caught:
        found(tmp_path)
    assert caught.value.reason is Reason.DATA_UNREADABLE


def test_dataset_path_chooses_a_folder_or_a_file_of_any_name(tmp_path: Path) -> None:
    write(tmp_path, "a/train.jsonl", "a/test.jsonl", "b/train.jsonl")
    assert found(tmp_path, DatasetConfig(dataset_path="a")) == ["a/train.jsonl"]
    assert found(tmp_path, DatasetConfig(dataset_path="/mnt/data/a/test.jsonl")) == ["a/test.jsonl"]


def test_extension_selects_files(tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", "b.json", "notes.md")
    layout = find_data_files(tmp_path, DatasetConfig(dataset_extension="json"))
    assert [file.name for file in layout.files] == ["b.json"]
    assert layout.left_out == {"a.jsonl": "not data", "notes.md": "not data"}
