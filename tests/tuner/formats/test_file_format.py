"""Which names are those of data files, and how a file is described."""

import gzip
from pathlib import Path

import pytest

from tests.tuner.formats.written import (
    FORMATS,
    arrow_stream,
    by_arrow,
    json_lines,
    parquet,
    tar_of,
    zip_of,
)
from tuner.formats.reader import describe_format, is_data_file, select_data_files

ROWS = [{"prompt": "a", "completion": "b"}, {"prompt": "c", "completion": "d"}]
CSV = FORMATS["comma.csv"](ROWS)


@pytest.mark.parametrize(
    "name",
    [
        "train.parquet",
        "TRAIN.PARQUET",
        "a/b/train-00000-of-00002.parquet",
        "x.json",
        "x.jsonl",
        "x.ndjson",
        "x.csv",
        "x.tsv",
        "x.arrow",
        "x.feather",
        "x.txt",
        "x.md",
        "x.jsonl.gz",
        "x.csv.zst",
        "x.json.bz2",
        "x.txt.xz",
        "x.zip",
        "x.tar",
        "x.tgz",
        "x.tar.gz",
        "x.tar.zst",
    ],
)
def test_name_of_a_data_file(name: str) -> None:
    assert is_data_file(name)


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "readme.txt",
        "LICENSE",
        "LICENSE.txt",
        "dataset_info.json",
        "dataset_dict.json",
        "state.json",
        "requirements.txt",
        ".gitattributes",
        ".cache/x.json",
        "__MACOSX/x.csv",
        "a.png",
        "train.py",
        "model.safetensors",
        "x.gz",
        "x",
        "x.xlsx",
    ],
)
def test_name_of_another_file(name: str) -> None:
    assert not is_data_file(name)


def test_text_beside_tables_is_no_data() -> None:
    assert select_data_files(["notes.txt", "a.csv.gz", "b.md", "c.zip"]) == ["a.csv.gz", "c.zip"]
    assert select_data_files(["a.txt", "README.md", "b.md.gz"]) == ["a.txt", "b.md.gz"]
    assert select_data_files(["a.png"]) == []


@pytest.mark.parametrize(
    ("name", "content", "description"),
    [
        ("x.parquet", parquet(ROWS), "parquet"),
        ("x.arrow", arrow_stream(ROWS), "arrow"),
        ("x", arrow_stream(ROWS), "arrow"),
        ("x.json", json_lines(ROWS), "jsonl"),
        ("x.json", FORMATS["array.json"](ROWS), "json"),
        ("x.csv", CSV, "csv"),
        ("x.csv", FORMATS["tab.csv"](ROWS), "tsv"),
        ("x.txt", b"text\n", "text"),
        ("x.jsonl.gz", gzip.compress(json_lines(ROWS)), "jsonl.gz"),
        ("x.csv", by_arrow("zstd")(CSV), "csv.zst"),
        ("x.gz", gzip.compress(by_arrow("zstd")(CSV)), "csv.zst.gz"),
        ("x.json", parquet(ROWS), "parquet (named as json)"),
        ("x.parquet", json_lines(ROWS), "jsonl (named as parquet)"),
        ("x.zip", zip_of({"a.csv": CSV, "b.csv": CSV}), "zip of csv"),
        ("x.tgz", gzip.compress(tar_of({"a.csv": CSV, "b": b"x"})), "tar.gz of csv"),
        (
            "x.tar",
            tar_of({"a.csv": CSV, "b.jsonl.gz": gzip.compress(json_lines(ROWS))}),
            "tar of csv and jsonl.gz",
        ),
    ],
)
def test_file_is_described(name: str, content: bytes, description: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert describe_format(path) == description
