"""Names of stored files."""

import pytest

from tuner.sources.urls import dataset_paths, safe_path


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://h/a/train-00000.parquet?download=true", "train-00000.parquet"),
        ("https://h/a/data.parquet?sig=x/../../y#f", "data.parquet"),
        ("https://h/a%20b/my%20data.parquet", "my_data.parquet"),
        ("https://h/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "passwd"),
        ("https://h/..", "data"),
        ("https://h/.hidden", "hidden"),
        ("https://h/", "data"),
        ("https://h", "data"),
        ("https://h/dir/", "dir"),
        ("https://h/dätä.parquet", "d_t_.parquet"),
        ("https://h/" + "x" * 300 + ".parquet", "x" * 112 + ".parquet"),
    ],
    ids=lambda value: value[-40:],
)
def test_name_is_the_last_path_segment_made_safe(url: str, name: str) -> None:
    assert dataset_paths([url]) == [name]


def test_names_are_unique_regardless_of_case() -> None:
    urls = ["https://a/x.parquet", "https://b/x.parquet", "https://c/X.parquet?v=2"]
    assert dataset_paths(urls) == ["x.parquet", "x-2.parquet", "X-3.parquet"]


@pytest.mark.parametrize(
    ("urls", "paths"),
    [
        (["https://h/test/a.csv"], ["a.csv"]),
        (["https://h/test/train.csv", "https://h/test/dev.csv"], ["train.csv", "dev.csv"]),
        (["https://h/d/train/0.csv", "https://h/d/test/0.csv"], ["train/0.csv", "test/0.csv"]),
        (["https://h/d/a.csv", "https://h/d/test/b.csv"], ["a.csv", "test/b.csv"]),
        (["https://a/test/x.csv", "https://b/y.csv"], ["x.csv", "y.csv"]),
        ([], []),
    ],
    ids=["one", "shared folder", "split folders", "nested", "two hosts", "none"],
)
def test_folders_below_the_shared_one_are_part_of_the_dataset(
    urls: list[str], paths: list[str]
) -> None:
    assert dataset_paths(urls) == paths


@pytest.mark.parametrize(
    ("path", "safe"),
    [
        ("a/../../etc/passwd", "a/etc/passwd"),
        ("/a//b ", "a/b_"),
        (".git/x", "git/x"),
        ("..", "data"),
    ],
)
def test_path_leads_nowhere_else(path: str, safe: str) -> None:
    assert safe_path(path) == safe
