"""Archives in the fetch phase: splits as in a folder, and a limit on what they unpack to."""

import gzip
import json
from pathlib import Path

import pytest

from kaito_training.sections import DatasetConfig
from tests.tuner.formats.written import tar_of, zip_of
from tests.tuner.sources.server import Answer, DataServer
from tuner.data.data_rows import read_data_rows
from tuner.data.dataset import inspect_files
from tuner.data.fetch import fetch_dataset
from tuner.errors import RunError
from tuner.layout.layout import SplitFile
from tuner.reasons import Reason
from tuner.sources.download import Downloader
from tuner.sources.sources import Sources
from tuner.sources.ssrf_guard import SsrfGuard

SOURCES = Sources(guard=SsrfGuard(allow_private=True))
CONFIG = DatasetConfig()


def _rows(word: str, count: int = 2) -> bytes:
    return (json.dumps({"prompt": word, "completion": word}) + "\n").encode() * count


HUB = {
    "README.md": b"# About",
    "data/train-00000-of-00002.jsonl": _rows("a"),
    "data/train-00001-of-00002.jsonl": _rows("b"),
    "data/validation-00000-of-00001.jsonl": _rows("c"),
    "data/test-00000-of-00001.jsonl": _rows("d"),
}


def _prompts(path: Path, split: str, config: DatasetConfig = CONFIG) -> list[str]:
    file = SplitFile(path.name, "validation" if split == "validation" else "train")
    return [row.values["prompt"] for row in read_data_rows(path.parent, file, config)]


@pytest.mark.parametrize("content", [zip_of(HUB), tar_of(HUB), gzip.compress(tar_of(HUB))])
def test_only_the_split_to_train_on_is_read(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    path = tmp_path / "x.archive"
    path.write_bytes(content)
    assert _prompts(path, "train") == ["a", "a", "b", "b"]
    assert "left out, of the split 'test': data/test-00000-of-00001.jsonl" in caplog.text
    assert "left out, for evaluation: data/validation-00000-of-00001.jsonl" in caplog.text


def test_split_that_the_configuration_names_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(zip_of(HUB))
    assert _prompts(path, "train", DatasetConfig(dataset_train_split="test")) == ["d", "d"]


def test_archive_for_evaluation_is_read_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "validation.zip"
    path.write_bytes(zip_of({"validation/a.jsonl": _rows("a"), "b.jsonl": _rows("b")}))
    assert _prompts(path, "validation") == ["a", "a", "b", "b"]


def test_archive_without_a_split_to_train_on_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(zip_of({"test.jsonl": _rows("a")}))
    with pytest.raises(RunError, match="no split to train on: its files are of test") as caught:
        _prompts(path, "train")
    assert caught.value.reason is Reason.DATA_EMPTY


def test_files_of_an_archive_may_have_different_shapes(tmp_path: Path) -> None:
    members = {"a.jsonl": _rows("a"), "b.jsonl": b'{"text": "b"}\n'}
    (tmp_path / "x.zip").write_bytes(zip_of(members))
    data = inspect_files(tmp_path, [SplitFile("x.zip", "train")], CONFIG)
    assert data.files[0].rows == 3
    assert len(data.files[0].shape.split(", ")) == 2


def test_refused_file_is_named_with_its_address_without_secrets(
    downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    server.answers["/x.zip"] = [Answer(body=zip_of({"train.jsonl": b'{"prompt": "a"}\n{"pro'}))]
    with pytest.raises(RunError) as caught:
        fetch_dataset(
            (f"{server.url}/x.zip?sig=secret",), tmp_path / "data", CONFIG, SOURCES, downloader
        )
    assert caught.value.message == (
        f"data file x.zip/train.jsonl (21 bytes, from {server.url}/x.zip) is not JSON at line 2, "
        "column 2: a text that starts here does not end, where the file ends in the middle of the "
        """line; the line begins with '{"pro'; write one JSON object per line"""
    )


@pytest.mark.parametrize("is_fetched", [True, False])
def test_file_that_unpacks_to_more_than_is_allowed_is_refused(
    is_fetched: bool, downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    """A file of a volume, too, which is never downloaded."""
    directory = tmp_path / "data"
    directory.mkdir()
    content = gzip.compress(_rows("a" * 100, 1_000))
    assert len(content) < downloader.max_bytes
    if is_fetched:
        server.answers["/x.jsonl.gz"] = [Answer(body=content)]
    else:
        (directory / "x.jsonl.gz").write_bytes(content)
    urls = (f"{server.url}/x.jsonl.gz",) if is_fetched else ()
    with pytest.raises(RunError, match=r"unpacks to more than 9\.8 KiB") as caught:
        fetch_dataset(urls, directory, CONFIG, SOURCES, downloader)
    assert caught.value.reason is Reason.DATA_TOO_LARGE
    assert "maxDataBytes" in caught.value.message
