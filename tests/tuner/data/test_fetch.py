"""The whole fetch phase against a real server."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kaito_training.sections import DatasetConfig
from tests.tuner import tiny
from tests.tuner.sources.server import Answer, DataServer
from tuner.data.fetch import fetch_dataset, load_dataset
from tuner.data.manifest import MANIFEST_NAME
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.sources.completed_downloads import RECORD_NAME
from tuner.sources.download import Downloader
from tuner.sources.sources import Sources
from tuner.sources.ssrf_guard import SsrfGuard

CONFIG = DatasetConfig()
SOURCES = Sources(guard=SsrfGuard(allow_private=True))


@pytest.fixture
def parquet(tmp_path: Path) -> bytes:
    """A dataset of five conversations."""
    return tiny.write_parquet(tmp_path / "source.parquet", tiny.conversations(5)).read_bytes()


def test_complete_dataset_is_not_fetched_again(
    parquet: bytes, downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    server.answers["/train.parquet"] = [Answer(body=parquet)]
    urls = (f"{server.url}/train.parquet?download=true", f"{server.url}/train.parquet?x")
    directory = tmp_path / "data"
    first = fetch_dataset(urls, directory, CONFIG, SOURCES, downloader)
    assert [file.name for file in first.files] == ["train.parquet", "train-2.parquet"]
    assert first.rows == 10
    assert [file.shape for file in first.files] == ["messages", "messages"]
    assert fetch_dataset(urls, directory, CONFIG, SOURCES, downloader) == first
    assert load_dataset(directory, CONFIG) == first
    assert len(server.seen) == 2


@pytest.mark.parametrize("damage", ["shortened", "altered", "gone", "no manifest", "bad manifest"])
def test_incomplete_dataset_is_fetched_again(
    damage: str, parquet: bytes, downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    server.answers["/x.parquet"] = [Answer(body=parquet)]
    urls, directory = (f"{server.url}/x.parquet",), tmp_path / "data"
    first = fetch_dataset(urls, directory, CONFIG, SOURCES, downloader)
    path = directory / "x.parquet"
    damages: dict[str, Callable[[], object]] = {
        "shortened": lambda: path.write_bytes(parquet[:-1]),
        "altered": lambda: path.write_bytes(bytes(len(parquet))),
        "gone": path.unlink,
        "no manifest": (directory / MANIFEST_NAME).unlink,
        "bad manifest": lambda: (directory / MANIFEST_NAME).write_text("{}"),
    }
    damages[damage]()
    assert fetch_dataset(urls, directory, CONFIG, SOURCES, downloader) == first
    assert path.read_bytes() == parquet
    assert len(server.seen) == 2


def test_failure_of_one_url_does_not_fetch_the_others_again(
    parquet: bytes, downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    server.answers = {
        "/a.parquet": [Answer(body=parquet)],
        "/b.parquet": [*[Answer(status=503)] * 3, Answer(body=parquet)],
    }
    urls, directory = (f"{server.url}/a.parquet", f"{server.url}/b.parquet"), tmp_path / "data"
    with pytest.raises(RunError, match="answered 503"):
        fetch_dataset(urls, directory, CONFIG, SOURCES, downloader)
    assert fetch_dataset(urls, directory, CONFIG, SOURCES, downloader).rows == 10
    assert [seen[0] for seen in server.seen].count("/a.parquet") == 1
    assert {path.name for path in directory.iterdir()} == {"a.parquet", "b.parquet", MANIFEST_NAME}


@pytest.mark.parametrize("change", ["file", "URL", "record"])
def test_changed_file_of_an_interrupted_fetch_is_fetched_again(
    change: str, parquet: bytes, downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    server.answers = {"/a.parquet": [Answer(body=parquet)]}
    urls, directory = (f"{server.url}/a.parquet", f"{server.url}/b.parquet"), tmp_path / "data"
    with pytest.raises(RunError, match="404"):
        fetch_dataset(urls, directory, CONFIG, SOURCES, downloader)
    if change == "file":
        (directory / "a.parquet").write_bytes(b"other")
    elif change == "record":
        (directory / RECORD_NAME).write_text("[]")
    first = f"{urls[0]}?v=2" if change == "URL" else urls[0]
    assert fetch_dataset((first,), directory, CONFIG, SOURCES, downloader).rows == 5
    assert [seen[0].partition("?")[0] for seen in server.seen].count("/a.parquet") == 2


def test_limit_holds_for_all_urls_together(
    parquet: bytes, downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    server.answers = {"/a.parquet": [Answer(body=parquet)], "/b.parquet": [Answer(body=parquet)]}
    urls = (f"{server.url}/a.parquet", f"{server.url}/b.parquet")
    small = replace(downloader, max_bytes=2 * len(parquet) - 1)
    for _ in range(2):
        with pytest.raises(RunError, match=r"b\.parquet is too large") as caught:
            fetch_dataset(urls, tmp_path / "data", CONFIG, SOURCES, small)
        assert caught.value.reason is Reason.DATA_TOO_LARGE


def test_digest_depends_on_the_content(
    parquet: bytes, downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    other = tiny.write_parquet(tmp_path / "other.parquet", tiny.conversations(6)).read_bytes()
    server.answers = {"/a": [Answer(body=parquet)], "/b": [Answer(body=other)]}
    digests = {}
    for path in ("/a", "/b"):
        data = fetch_dataset(
            (server.url + path,), tmp_path / "data" / path[1:], CONFIG, SOURCES, downloader
        )
        digests[path] = data.digest
    assert digests["/a"] != digests["/b"]
    again = fetch_dataset((server.url + "/a?x",), tmp_path / "again", CONFIG, SOURCES, downloader)
    assert again.digest == digests["/a"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html>sign in</html>", Reason.DATA_UNREADABLE),
        (b'{"question": "a"}', Reason.DATA_COLUMN_MISSING),
    ],
    ids=["a page", "no column"],
)
def test_unusable_data_is_refused_every_time(
    content: bytes, reason: Reason, downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    server.answers["/x"] = [Answer(body=content)]
    for _ in range(2):
        with pytest.raises(RunError) as caught:
            fetch_dataset((f"{server.url}/x",), tmp_path / "data", CONFIG, SOURCES, downloader)
        assert caught.value.reason is reason
    if reason is Reason.DATA_UNREADABLE:
        # A page where a file is expected is found by its address.
        assert f"{server.url}/x" in caught.value.message


@pytest.mark.parametrize("interrupted", [False, True])
def test_weight_without_a_file_is_found_before_the_training(
    interrupted: bool, parquet: bytes, downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    server.answers["/x.parquet"] = [Answer(body=parquet)]
    urls = (f"{server.url}/x.parquet",)
    config = DatasetConfig(weights={"y.parquet": 2.0})
    if interrupted:
        fetch_dataset(urls, tmp_path / "data", CONFIG, SOURCES, downloader)
    with pytest.raises(RunError, match=r"key 'y\.parquet', which matches no file") as caught:
        fetch_dataset(urls, tmp_path / "data", config, SOURCES, downloader)
    assert caught.value.reason is Reason.CONFIG_INVALID


def test_volume_needs_no_urls(downloader: Downloader, tmp_path: Path) -> None:
    tiny.write_parquet(tmp_path / "b.parquet", tiny.conversations(2))
    tiny.write_parquet(tmp_path / "a.parquet", tiny.conversations(3))
    (tmp_path / "README.md").write_text("not data")
    data = fetch_dataset((), tmp_path, CONFIG, SOURCES, downloader)
    assert [file.name for file in data.files] == ["a.parquet", "b.parquet"]
    chosen = load_dataset(tmp_path, DatasetConfig(dataset_path="/mnt/data/b.parquet"))
    assert [file.name for file in chosen.files] == ["b.parquet"]


def test_empty_volume_is_refused(downloader: Downloader, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no data file") as caught:
        fetch_dataset((), tmp_path, CONFIG, SOURCES, downloader)
    assert caught.value.reason is Reason.DATA_EMPTY


@pytest.mark.parametrize("path", ["../../etc", "/etc/passwd", "absent.parquet"])
def test_dataset_path_stays_inside_the_data_directory(path: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="dataset_path") as caught:
        load_dataset(tmp_path, DatasetConfig(dataset_path=path))
    assert caught.value.reason is Reason.CONFIG_INVALID


def test_files_may_have_different_shapes_and_formats(
    downloader: Downloader, tmp_path: Path
) -> None:
    tiny.write_parquet(tmp_path / "a.parquet", tiny.conversations(2))
    tiny.write_parquet(tmp_path / "b.parquet", ["hello"], "text")
    (tmp_path / "c.jsonl").write_text('{"prompt": "x", "completion": "y"}\n')
    data = fetch_dataset((), tmp_path, CONFIG, SOURCES, downloader)
    assert [(file.shape, file.rows) for file in data.files] == [
        ("messages", 2),
        ("text", 1),
        ("prompt-completion", 1),
    ]


def test_each_file_is_said_to_be_read_in_its_shape_once(
    downloader: Downloader, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="tuner.data.records")
    tiny.write_parquet(tmp_path / "b.parquet", ["hello"], "text")
    (tmp_path / "c.jsonl").write_text('{"prompt": "x", "completion": "y", "id": 1}\n')
    fetch_dataset((), tmp_path, CONFIG, SOURCES, downloader)
    assert caplog.messages == [
        "data file b.parquet is read as text (text)",
        "data file c.jsonl is read as prompt-completion (prompt, completion); not read: id",
    ]


def test_files_are_read_again_in_the_columns_of_another_configuration(
    downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    server.answers["/a.jsonl"] = [Answer(body=b'{"text": "x", "q": "y"}\n')]
    urls = (f"{server.url}/a.jsonl",)
    assert fetch_dataset(urls, tmp_path, CONFIG, SOURCES, downloader).files[0].shape == "text"
    config = DatasetConfig(prompt_template="{q}")
    assert fetch_dataset(urls, tmp_path, config, SOURCES, downloader).files[0].shape == "template"


def test_hub_files_are_used_by_their_split(
    parquet: bytes, downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    for name in ("train", "validation"):
        server.answers[f"/test/{name}/0000.parquet"] = [Answer(body=parquet)]
    paths = ("train/0000.parquet", "validation/0000.parquet", "test/0000.parquet", "README.md")
    urls = tuple(f"{server.url}/test/{path}" for path in paths)
    data = fetch_dataset(urls, tmp_path / "data", CONFIG, SOURCES, downloader)
    assert [(file.name, file.split) for file in data.files] == [
        ("train/0000.parquet", "train"),
        ("validation/0000.parquet", "validation"),
    ]
    # What is not used is not fetched.
    assert len(server.seen) == 2
    assert load_dataset(tmp_path / "data", CONFIG) == data


def test_file_with_the_right_digest_is_not_fetched_again(
    parquet: bytes, downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    """Whatever its URL: signatures are renewed, and files move."""
    digest = hashlib.sha256(parquet).hexdigest()
    server.answers = {"/a.parquet": [Answer(body=parquet)]}
    for url in (f"{server.url}/a.parquet", f"{server.url}/gone/a.parquet?sig=new"):
        urls = (f"{url}#sha256={digest}",)
        assert fetch_dataset(urls, tmp_path / "data", CONFIG, SOURCES, downloader).rows == 5
    assert len(server.seen) == 1
