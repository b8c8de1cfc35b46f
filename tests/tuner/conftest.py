"""A tiny real model, data to tune it on, and settings confined to a temporary directory."""

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kaito_process.retry_policy import RetryPolicy
from kaito_registry.fake import FakeRegistry
from tests.tuner import tiny
from tests.tuner.sources.server import DataServer
from tuner.sources import http_client
from tuner.sources.download import Downloader
from tuner.sources.ssrf_guard import SsrfGuard

# As `confine_libraries` does for a real run. Not in a fixture: the libraries read it when they are
# imported, which happens while pytest collects the tests.
os.environ.update(
    HF_HOME=tempfile.mkdtemp(prefix="kaito-tuner-tests-"),
    HF_HUB_OFFLINE="1",
    TOKENIZERS_PARALLELISM="false",
    OMP_NUM_THREADS="1",
    CUDA_VISIBLE_DEVICES="",
)


@pytest.fixture(scope="session", autouse=True)
def home() -> Iterator[None]:
    """Remove what the libraries cached."""
    yield
    shutil.rmtree(os.environ["HF_HOME"], ignore_errors=True)


@pytest.fixture(autouse=True)
def logging_level() -> Iterator[None]:
    """Restore the level that a command sets for its whole process."""
    level = logging.root.level
    yield
    logging.root.setLevel(level)


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random two-layer Phi-3 with its tokenizer, laid out as in a model image."""
    return tiny.write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def conversations(tmp_path: Path) -> Path:
    """A directory with a parquet file of 24 conversations, as the fetch phase leaves it."""
    directory = tmp_path / "data"
    directory.mkdir()
    tiny.write_parquet(directory / "train.parquet", tiny.conversations(24))
    return directory


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment of a run that is confined to `tmp_path`."""
    return {
        "KAITO_WORKSPACE": "ws",
        "KAITO_NAMESPACE": "test",
        "KAITO_BASE_MODEL": "phi-3-tiny",
        "KAITO_METHOD": "lora",
        "KAITO_DATA_DIR": str(tmp_path / "data"),
        "KAITO_MODEL_PATH": str(tmp_path / "model"),
        "KAITO_CONFIG_FILE": str(tmp_path / "training_config.yaml"),
        "KAITO_RESULTS_DIR": str(tmp_path / "results"),
        "KAITO_PUSH_SECRET_FILE": str(tmp_path / "dockerconfig.json"),
        "KAITO_GRPC_PORT": "0",
        "KAITO_METRICS_PORT": "0",
        "KAITO_ALLOW_PRIVATE_DATA_HOSTS": "true",
        "KAITO_TERMINATION_LOG": str(tmp_path / "termination-log"),
    }


@pytest.fixture
def fake_registry() -> Iterator[FakeRegistry]:
    """A registry on the loopback address."""
    with FakeRegistry().running() as registry:
        yield registry


@pytest.fixture
def server() -> Iterator[DataServer]:
    """A data server on the loopback address."""
    with DataServer().running() as server:
        yield server


@pytest.fixture
def downloader() -> Iterator[Downloader]:
    """A downloader for which no time passes, and that may fetch from the loopback address."""
    with http_client.new_client() as client:
        yield Downloader(
            client=client,
            guard=SsrfGuard(allow_private=True),
            max_bytes=10_000,
            retry_policy=RetryPolicy(max_attempts=3, sleep=lambda _: None, clock=lambda: 0.0),
        )
