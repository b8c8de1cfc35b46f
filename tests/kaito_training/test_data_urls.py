"""Which URLs can be sources of data."""

import pytest

from kaito_training.data_urls import find_url_problem, is_folder, redact_url

DIGEST = "0123456789abcdefABCDEF" + "0" * 42


@pytest.mark.parametrize(
    "url",
    [
        "https://h/a",
        "http://h:8080/a?sig=x#f",
        f"https://h/a#sha256={DIGEST}",
        f"https://h/a?x#sha256={DIGEST}",
        f"s3://my.bucket/a.csv#sha256={DIGEST}",
        "s3://bucket",
        "gs://my_bucket/folder/*.parquet",
        "az://container/a.csv",
        "az://$web/a.csv",
        "abfss://container@account.dfs.core.windows.net/a.csv",
        "abfs://container@account.dfs.core.chinacloudapi.cn/a",
        "hf://datasets/org/name",
        "hf://datasets/org/name.v2@main/config",
        "hf://datasets/org/name@refs/convert/parquet/main/train/*.parquet",
    ],
)
def test_url_can_be_a_source(url: str) -> None:
    assert find_url_problem(url) is None


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "is not a URL of a known kind"),
        ("nonsense", "is not a URL of a known kind"),
        ("ftp://h/a", "use one that starts with one of http://, https://, s3://"),
        ("https:///a", "is not a URL of a known kind"),
        ("https://h/a#sha256=", "does not end after #sha256= and 64 hexadecimal digits"),
        (f"https://h/a#sha256={DIGEST}0", "64 hexadecimal digits"),
        (f"https://h/a#sha256={DIGEST}#x", "64 hexadecimal digits"),
        (f"s3://b1b/folder#sha256={DIGEST}", "names several files"),
        (f"gs://b1b/*.csv#sha256={DIGEST}", "names several files"),
        ("hf://org/name", "write hf://datasets/ORGANIZATION/NAME"),
        ("hf://datasets/squad", "write hf://datasets/ORGANIZATION/NAME"),
        ("hf://datasets/org/name@", "write hf://datasets/ORGANIZATION/NAME"),
        ("s3://KEY:SECRET@bucket/a", "where the name of a bucket is expected"),
        ("gs://b/a", "has 'b' where the name of a bucket"),
        ("az://account.blob.core.windows.net/c/a", "where a container is expected"),
        ("abfss://c1c@account/a", "where a container is expected"),
    ],
)
def test_url_of_another_form_is_described(url: str, problem: str) -> None:
    assert problem in (find_url_problem(url) or "")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("s3://b/a.csv", False),
        ("s3://b/folder/a.jsonl.gz", False),
        ("s3://b/folder", True),
        ("s3://b/folder.d/", True),
        ("s3://b", True),
        ("s3://bucket.with.dots", True),
        ("s3://b/*.csv", True),
        ("s3://b/a?.csv", True),
    ],
)
def test_folder_is_a_pattern_or_a_path_without_a_suffix(url: str, expected: bool) -> None:
    assert is_folder(url) is expected


@pytest.mark.parametrize(
    ("url", "redacted"),
    [
        ("https://me:pw@h:1/x.parquet?sig=abc#f", "https://h:1/x.parquet"),
        ("s3://KEY:SECRET@bucket/a", "s3://bucket/a"),
        ("abfss://c@account.dfs.core.windows.net/a", "abfss://c@account.dfs.core.windows.net/a"),
    ],
)
def test_redacted_url_has_no_secrets(url: str, redacted: str) -> None:
    assert redact_url(url) == redacted
