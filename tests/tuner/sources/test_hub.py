"""Datasets of the hub, down to the files on disk."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from kaito_training.sections import DatasetConfig
from tests.tuner.sources.object_server import COMMIT, ObjectServer
from tuner.data.fetch import fetch_dataset
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.sources.access_secret import AccessSecret
from tuner.sources.download import Downloader
from tuner.sources.sources import Sources
from tuner.sources.ssrf_guard import SsrfGuard

ROW = b'{"text": "hello"}\n'
CARD = b"""---
configs:
- config_name: main
  data_files:
  - {split: train, path: data/train-*}
  - {split: test, path: data/test-*}
- config_name: extra
  data_files: more/*.jsonl
---
"""
FILES = {
    ".gitattributes": b"",
    "README.md": CARD,
    "data/train-00000-of-00001.jsonl": ROW * 3,
    "data/test-00000-of-00001.jsonl": ROW,
    "more/a.jsonl": ROW,
    "more/notes.md": b"",
}


@pytest.fixture
def hub() -> Iterator[ObjectServer]:
    with ObjectServer().running() as hub:
        hub.objects = {
            f"datasets/org/name/resolve/{COMMIT}/{name}": body for name, body in FILES.items()
        }
        yield hub


def fetch(
    hub: ObjectServer,
    downloader: Downloader,
    directory: Path,
    *urls: str,
    secret: Mapping[str, str] | None = None,
    config: DatasetConfig | None = None,
) -> dict[str, str]:
    """Name → split of the files that are used."""
    sources = Sources(
        guard=SsrfGuard(True),
        secret=AccessSecret("mine", secret) if secret else AccessSecret(),
        environ={"HF_ENDPOINT": hub.url},
    )
    data = fetch_dataset(urls, directory, config or DatasetConfig(), sources, downloader)
    return {file.name: file.split for file in data.files}


@pytest.mark.parametrize(
    ("path", "config", "expected"),
    [
        ("", "main", {"data/train-00000-of-00001.jsonl": "train"}),
        ("", "extra", {"more/a.jsonl": "train"}),
        ("/main", None, {"data/train-00000-of-00001.jsonl": "train"}),
        ("@v1.0/extra", None, {"more/a.jsonl": "train"}),
        ("@refs/convert/parquet/more", None, {"a.jsonl": "train"}),
        ("/data", None, {"train-00000-of-00001.jsonl": "train"}),
        ("/**/a.jsonl", None, {"more/a.jsonl": "train"}),
        ("/data/test-00000-of-00001.jsonl", None, {"test-00000-of-00001.jsonl": "train"}),
    ],
    ids=[
        "configuration by DatasetConfig",
        "another one",
        "configuration by URL",
        "at a revision",
        "folder at a revision with slashes",
        "folder",
        "pattern",
        "file",
    ],
)
def test_dataset_is_taken_as_it_is(
    path: str,
    config: str | None,
    expected: dict[str, str],
    hub: ObjectServer,
    downloader: Downloader,
    tmp_path: Path,
) -> None:
    url = f"hf://datasets/org/name{path}"
    dataset = DatasetConfig(dataset_config=config)
    assert fetch(hub, downloader, tmp_path, url, config=dataset) == expected
    fetched = {path for path, _ in hub.gets if not path.endswith("README.md")}
    assert len(fetched) == 1


def test_revision_is_the_one_that_is_named(
    hub: ObjectServer, downloader: Downloader, tmp_path: Path
) -> None:
    for number, revision in enumerate(("", "@v1", "@refs/pr/3")):
        url = f"hf://datasets/org/name{revision}/more"
        fetch(hub, downloader, tmp_path / str(number), url)
    assert hub.lists == ["org/name@main", "org/name@v1", "org/name@refs/pr/3"]


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("hf://datasets/org/name", "the dataset has 2 configurations (main, extra)"),
        ("hf://datasets/org/name/mian", "'mian', but the dataset has no such configuration"),
        ("hf://datasets/org/name/*.csv", "leads to no file of the 5 that the dataset has"),
    ],
)
def test_unclear_choice_is_refused(
    url: str, problem: str, hub: ObjectServer, downloader: Downloader, tmp_path: Path
) -> None:
    with pytest.raises(RunError) as caught:
        fetch(hub, downloader, tmp_path, url)
    assert problem in caught.value.message
    assert not caught.value.retryable


@pytest.mark.parametrize("key", ["HF_TOKEN", "token"])
def test_token_opens_a_gated_dataset(
    key: str, hub: ObjectServer, downloader: Downloader, tmp_path: Path
) -> None:
    hub.allows = lambda url, headers: headers.get("Authorization") == "Bearer t"
    url = "hf://datasets/org/name/more/a.jsonl"
    assert fetch(hub, downloader, tmp_path, url, secret={key: "t"}) == {"a.jsonl": "train"}


@pytest.mark.parametrize("status", [401, 403, 404])
def test_dataset_that_is_not_open_is_named(
    status: int, hub: ObjectServer, downloader: Downloader, tmp_path: Path
) -> None:
    hub.allows, hub.status = (lambda url, headers: False), status
    url = "hf://datasets/org/name@v1"
    with pytest.raises(RunError) as caught:
        fetch(hub, downloader, tmp_path, url)
    assert caught.value.message.startswith(f"{url} cannot be fetched: the server answered {status}")
    assert "or it is private or gated; check the name; for a gated data" in caught.value.message
    assert not caught.value.retryable
    with pytest.raises(RunError, match="key HF_TOKEN of Secret 'mine'") as caught:
        fetch(hub, downloader, tmp_path, url, secret={"HF_TOKEN": "HIDDEN"})
    assert "HIDDEN" not in caught.value.message


def test_answer_that_is_no_list_is_refused(
    hub: ObjectServer, downloader: Downloader, tmp_path: Path
) -> None:
    hub.allows, hub.status = (lambda url, headers: False), 200
    with pytest.raises(RunError, match="not the hub's list of a dataset's files") as caught:
        fetch(hub, downloader, tmp_path, "hf://datasets/org/name")
    assert caught.value.reason is Reason.DATA_UNREACHABLE


def test_endpoint_passes_the_guard(
    hub: ObjectServer, downloader: Downloader, tmp_path: Path
) -> None:
    sources = Sources(guard=SsrfGuard(False), environ={"HF_ENDPOINT": hub.url})
    guarded = Downloader(
        client=downloader.client,
        guard=SsrfGuard(False),
        max_bytes=downloader.max_bytes,
        retry_policy=downloader.retry_policy,
    )
    with pytest.raises(RunError, match=r"127\.0\.0\.1, which is not public"):
        fetch_dataset(["hf://datasets/org/name"], tmp_path, DatasetConfig(), sources, guarded)
    assert not hub.lists


def test_several_datasets_are_used_together(
    hub: ObjectServer, downloader: Downloader, tmp_path: Path
) -> None:
    hub.objects["files/own.jsonl"] = ROW
    urls = (
        "hf://datasets/org/name/main",
        "hf://datasets/org/name/more",
        f"{hub.url}/files/own.jsonl",
    )
    assert fetch(hub, downloader, tmp_path, *urls) == {
        "data/train-00000-of-00001.jsonl": "train",
        "a.jsonl": "train",
        "own.jsonl": "train",
    }
