"""Data in S3, Azure Blob Storage and Google Cloud Storage, down to the files on disk."""

import base64
import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from email.message import Message
from pathlib import Path
from urllib.parse import SplitResult

import pytest

from kaito_training.sections import DatasetConfig
from tests.tuner.sources.object_server import ObjectServer
from tuner.data.fetch import fetch_dataset
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.sources.access_secret import AccessSecret
from tuner.sources.download import Downloader
from tuner.sources.sources import Sources
from tuner.sources.ssrf_guard import SsrfGuard

ROW = b'{"text": "hello"}\n'
HUB_LAYOUT = {
    "data/train-00000.jsonl": ROW * 3,
    "data/train-00001.jsonl": ROW * 4,
    "data/validation.jsonl": ROW,
    "data/test.jsonl": ROW,
    "data/dataset_info.json": b"{}",
    "data/_SUCCESS": b"",
    "data/.hidden.jsonl": ROW,
    "other/train.jsonl": ROW,
}
S3 = {"AWS_ACCESS_KEY_ID": "KEY", "AWS_SECRET_ACCESS_KEY": "HIDDEN"}
AZURE = {
    "AZURE_STORAGE_ACCOUNT_NAME": "account",
    "AZURE_STORAGE_ACCOUNT_KEY": base64.b64encode(b"HIDDEN").decode(),
}


@pytest.fixture
def store() -> Iterator[ObjectServer]:
    with ObjectServer().running() as store:
        yield store


@pytest.fixture(scope="session")
def google_key() -> str:
    """The JSON key of a service account that nobody has."""
    made = subprocess.run(
        ["openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.dumps({"private_key": made.stdout, "client_email": "me@p.iam.gserviceaccount.com"})


def fetch(
    downloader: Downloader,
    directory: Path,
    *urls: str,
    secret: Mapping[str, str],
    private: bool = True,
    config: DatasetConfig | None = None,
) -> dict[str, str]:
    """Name → split of the files that are used."""
    sources = Sources(guard=SsrfGuard(private), secret=AccessSecret("mine", secret))
    data = fetch_dataset(urls, directory, config or DatasetConfig(), sources, downloader)
    assert all((directory / file.name).stat().st_size == file.size for file in data.files)
    return {file.name: file.split for file in data.files}


def refusal(
    downloader: Downloader,
    directory: Path,
    url: str,
    secret: Mapping[str, str],
    private: bool = True,
) -> RunError:
    with pytest.raises(RunError) as caught:
        fetch(downloader, directory, url, secret=secret, private=private)
    assert "HIDDEN" not in caught.value.message
    return caught.value


def kinds(store: ObjectServer, google_key: str) -> dict[str, tuple[str, dict[str, str], str]]:
    """Kind → scheme and bucket, secret, and what a signed request has in its query."""
    return {
        "s3": ("s3://bucket", {**S3, "AWS_ENDPOINT_URL": store.url}, "X-Amz-Signature="),
        "az": ("az://bucket", {**AZURE, "AZURE_STORAGE_ENDPOINT": store.url}, "sig="),
        "gs": (
            "gs://bucket",
            {"GOOGLE_SERVICE_ACCOUNT_KEY": google_key, "STORAGE_EMULATOR_HOST": store.url},
            "X-Goog-Signature=",
        ),
    }


@pytest.mark.parametrize("kind", ["s3", "az"])
@pytest.mark.parametrize("path", ["data", "data/", "data/*.jsonl"])
def test_folder_is_taken_as_the_hub_lays_it_out(
    kind: str,
    path: str,
    store: ObjectServer,
    google_key: str,
    downloader: Downloader,
    tmp_path: Path,
) -> None:
    root, secret, _ = kinds(store, google_key)[kind]
    store.objects = {f"bucket/{key}": body for key, body in HUB_LAYOUT.items()}
    assert fetch(downloader, tmp_path, f"{root}/{path}", secret=secret) == {
        "train-00000.jsonl": "train",
        "train-00001.jsonl": "train",
        "validation.jsonl": "validation",
    }
    # What is not used is not fetched.
    assert sorted(path for path, _ in store.gets) == [
        "bucket/data/train-00000.jsonl",
        "bucket/data/train-00001.jsonl",
        "bucket/data/validation.jsonl",
    ]


@pytest.mark.parametrize("kind", ["s3", "az", "gs"])
def test_object_is_fetched_by_a_signed_url_and_resumes(
    kind: str, store: ObjectServer, google_key: str, downloader: Downloader, tmp_path: Path
) -> None:
    """Without a list: a key may be readable where its bucket may not be listed."""
    root, secret, signature = kinds(store, google_key)[kind]
    key = "a b/ä+.jsonl" if kind == "gs" else "a b/ä+%25#1.jsonl"
    store.objects = {f"bucket/{key}": ROW * 100}
    store.cut = 500
    store.allows = lambda url, headers: signature in url.query
    fetched = fetch(downloader, tmp_path, f"{root}/{key}", secret=secret)
    assert list(fetched.values()) == ["train"]
    assert [requested for _, requested in store.gets] == [None, "bytes=500-"]
    assert store.lists == []


def test_object_is_never_mistaken_for_another(
    store: ObjectServer, google_key: str, downloader: Downloader, tmp_path: Path
) -> None:
    root, secret, _ = kinds(store, google_key)["gs"]
    store.objects = {"bucket/d/a": ROW, "bucket/d/a#b.jsonl": ROW}
    error = refusal(downloader, tmp_path, f"{root}/d/a#b.jsonl", secret)
    assert "gs://bucket/d/a#b.jsonl cannot be fetched: its name cannot be signed" in error.message
    assert not store.gets


@pytest.mark.parametrize("kind", ["s3", "az", "gs"])
def test_public_object_needs_no_credentials(
    kind: str, store: ObjectServer, google_key: str, downloader: Downloader, tmp_path: Path
) -> None:
    """And never asks the node's metadata service for some."""
    root, secret, _ = kinds(store, google_key)[kind]
    endpoint = {key: value for key, value in secret.items() if value == store.url}
    account = {"AZURE_STORAGE_ACCOUNT_NAME": "account"}
    store.objects = {"bucket/a.jsonl": ROW}
    store.allows = lambda url, headers: not url.query and "Authorization" not in headers
    assert fetch(downloader, tmp_path, f"{root}/a.jsonl", secret={**endpoint, **account})


@pytest.mark.parametrize("key", ["AZURE_STORAGE_SAS_TOKEN", "sas"])
def test_shared_access_signature_opens_a_container(
    key: str, store: ObjectServer, downloader: Downloader, tmp_path: Path
) -> None:
    secret = {
        "AZURE_STORAGE_ACCOUNT_NAME": "account",
        key: "?sv=1&sig=a%2Fb",
        "AZURE_STORAGE_ENDPOINT": store.url,
    }
    store.objects = {"bucket/d/a.jsonl": ROW, "bucket/d/b.jsonl": ROW}
    store.allows = lambda url, headers: "sv=1&sig=a%2Fb" in url.query
    assert len(fetch(downloader, tmp_path, "az://bucket/d", secret=secret)) == 2


def test_folders_of_one_dataset_are_splits(
    store: ObjectServer, downloader: Downloader, tmp_path: Path
) -> None:
    store.objects = {f"bucket/d/{split}/0.jsonl": ROW for split in ("train", "dev", "test")}
    secret = {**S3, "AWS_ENDPOINT_URL": store.url}
    urls = [f"s3://bucket/d/{split}/" for split in ("train", "dev", "test")]
    assert fetch(downloader, tmp_path, *urls, secret=secret) == {
        "train/0.jsonl": "train",
        "dev/0.jsonl": "validation",
    }


def test_files_of_another_extension_are_fetched_when_it_changes(
    store: ObjectServer, downloader: Downloader, tmp_path: Path
) -> None:
    store.objects = {"bucket/d/a.jsonl": ROW, "bucket/d/b.json": ROW}
    secret = {**S3, "AWS_ENDPOINT_URL": store.url}
    for extension, name in (("jsonl", "a.jsonl"), ("json", "b.json")):
        config = DatasetConfig(dataset_extension=extension)
        assert fetch(downloader, tmp_path, "s3://bucket/d/", secret=secret, config=config) == {
            name: "train"
        }


def test_readme_of_a_folder_names_configurations(
    store: ObjectServer, downloader: Downloader, tmp_path: Path
) -> None:
    card = b"---\nconfigs:\n- {config_name: a, data_files: x.jsonl}\n"
    card += b"- {config_name: b, data_files: y.jsonl}\n---\n"
    store.objects = {"bucket/README.md": card, "bucket/x.jsonl": ROW, "bucket/y.jsonl": ROW}
    secret = {**S3, "AWS_ENDPOINT_URL": store.url}
    error = refusal(downloader, tmp_path, "s3://bucket", secret)
    assert "2 configurations (a, b)" in error.message
    config = DatasetConfig(dataset_config="b")
    assert list(fetch(downloader, tmp_path, "s3://bucket", secret=secret, config=config)) == [
        "y.jsonl"
    ]


@pytest.mark.parametrize(
    ("status", "hint", "retryable"),
    [
        (401, "401 Unauthorized, so key AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY of Sec", False),
        (403, "403 Forbidden, so key AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY of Secret", False),
        (404, "404 Not Found, so there is no such file, or key AWS_ACCESS_KEY_ID", False),
    ],
)
@pytest.mark.parametrize("path", ["folder/", "folder/a.jsonl"], ids=["list", "object"])
def test_refusal_names_bucket_key_status_and_credentials(
    path: str,
    status: int,
    hint: str,
    retryable: bool,
    store: ObjectServer,
    downloader: Downloader,
    tmp_path: Path,
) -> None:
    store.allows, store.status = (lambda url, headers: False), status
    url = f"s3://bucket/{path}"
    error = refusal(downloader, tmp_path, url, {**S3, "AWS_ENDPOINT_URL": store.url})
    assert error.reason is Reason.DATA_UNREACHABLE
    assert error.message.startswith(f"{url} cannot be fetched: the server answered {hint}")
    assert error.retryable is retryable


def test_store_that_fails_is_asked_again(
    store: ObjectServer, downloader: Downloader, tmp_path: Path
) -> None:
    answers = iter([False, False])

    def recovers(url: SplitResult, headers: Message) -> bool:
        return next(answers, True)

    store.allows, store.status = recovers, 503
    store.objects = {"bucket/d/a.jsonl": ROW}
    secret = {**S3, "AWS_ENDPOINT_URL": store.url}
    assert fetch(downloader, tmp_path, "s3://bucket/d/", secret=secret) == {"a.jsonl": "train"}


def test_empty_folder_is_named(store: ObjectServer, downloader: Downloader, tmp_path: Path) -> None:
    secret = {**S3, "AWS_ENDPOINT_URL": store.url}
    error = refusal(downloader, tmp_path, "s3://bucket/empty/", secret)
    assert error.reason is Reason.DATA_EMPTY
    assert "s3://bucket/empty/ leads to no file" in error.message
    # It may be a file without a suffix.
    assert "404" in refusal(downloader, tmp_path, "s3://bucket/absent", secret).message


def test_limit_is_known_before_the_first_byte(
    store: ObjectServer, downloader: Downloader, tmp_path: Path
) -> None:
    store.objects = {f"bucket/d/{number}.jsonl": ROW for number in range(3)}
    small = replace(downloader, max_bytes=3 * len(ROW) - 1)
    error = refusal(small, tmp_path, "s3://bucket/d/", {**S3, "AWS_ENDPOINT_URL": store.url})
    assert error.reason is Reason.DATA_TOO_LARGE
    assert "the 3 files of the dataset have 54 bytes, more than the limit of 53" in error.message
    assert not store.gets


def test_endpoints_pass_the_guard(
    store: ObjectServer, downloader: Downloader, tmp_path: Path
) -> None:
    plain = {**S3, "AWS_ENDPOINT_URL": store.url}
    error = refusal(downloader, tmp_path, "s3://bucket/d/", plain, private=False)
    assert f"its endpoint {store.url} is not https" in error.message
    secure = {**S3, "AWS_ENDPOINT_URL": store.url.replace("http", "https")}
    error = refusal(downloader, tmp_path, "s3://bucket/d/", secure, private=False)
    assert "'127.0.0.1' has the address 127.0.0.1, which is not public" in error.message
    assert not error.retryable
    assert not store.lists


def test_bucket_in_another_region_is_named(
    store: ObjectServer, downloader: Downloader, tmp_path: Path
) -> None:
    store.allows, store.status = (lambda url, headers: False), 301
    error = refusal(
        downloader, tmp_path, "s3://bucket/a.jsonl", {**S3, "AWS_ENDPOINT_URL": store.url}
    )
    assert "answered 301 without a location" in error.message
