"""Gives bad inputs to the phases of a run.

As a program, it prints the table of all bad inputs, with the message that the user reads.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

from kaito_process.retry_policy import RetryPolicy
from kaito_registry.fake import FakeRegistry
from tests.tuner.bad_inputs.bad_configurations import BAD_CONFIGURATIONS
from tests.tuner.bad_inputs.bad_data import BAD_FILES, BAD_NETWORKS
from tests.tuner.bad_inputs.bad_input import (
    GOOD_ROWS,
    DataInput,
    RegistryInput,
    good_secret,
    write_config,
)
from tests.tuner.bad_inputs.bad_registries import BAD_REGISTRIES
from tests.tuner.registry.adapters import write_adapter
from tests.tuner.sources.server import Answer, DataServer
from tests.tuner.summaries import SUMMARY
from tuner import phases
from tuner.errors import RunError
from tuner.registry import output_repository
from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.tuning_run import TuningRun
from tuner.settings import Settings
from tuner.summary import write_summary

DATA_INPUTS = (*BAD_CONFIGURATIONS, *BAD_FILES, *BAD_NETWORKS)


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a run ended, with the hosts of the test's servers, which change, by their roles."""

    error: RunError
    host: str

    @property
    def message(self) -> str:
        """What the user reads in the condition of the Workspace."""
        return self.error.message.replace(self.host, "{host}")


def fetch_bad(given: DataInput, root: Path) -> Refusal:
    """How the fetch phase refuses `given`.

    Raises:
        AssertionError: it does not.
    """
    write_config(root / "training_config.yaml", given.config)
    server = DataServer({"/train.jsonl": [Answer(body=GOOD_ROWS)]})
    server.answers.update({path: [answer] for path, answer in given.answers.items()})
    with server.running(), _no_pauses():
        urls = [url if "://" in url else server.url + url for url in given.urls]
        environ = {
            "KAITO_DATA_URLS": _json_list(urls),
            "KAITO_ALLOW_PRIVATE_DATA_HOSTS": "true",
            **given.environ,
        }
        try:
            phases.fetch_phase(_settings(root, environ), {})
        except RunError as error:
            return Refusal(error, server.url.removeprefix("http://"))
    raise AssertionError(f"{given.title}: the fetch phase accepts it")


def push_bad(given: RegistryInput, root: Path) -> tuple[Refusal, FakeRegistry]:
    """How the push phase refuses `given`, and the registry afterwards.

    Raises:
        AssertionError: it does not.
    """
    (root / "results").mkdir()
    write_adapter(root / "results" / "adapter")
    write_summary(root / "results" / "summary.json", SUMMARY)
    with FakeRegistry(auth="basic").running() as registry, _no_pauses():
        given.prepare(registry)
        secret = given.secret or good_secret(registry)
        (root / "push-secret.json").write_text(secret.replace("{host}", registry.host))
        environ = {
            "KAITO_OUTPUT_IMAGE": given.image.replace("{host}", registry.host),
            "KAITO_PUSH_SECRET_NAME": "push-secret",
            "KAITO_INSECURE_REGISTRIES": f"{registry.host},127.0.0.1:1" if given.insecure else "",
        }
        run = TuningRun(name="test/ws", base_model="", method="", start_time=datetime.now(UTC))
        try:
            phases.push_phase(_settings(root, environ), StatusPublisher(run))
        except RunError as error:
            return Refusal(error, registry.host), registry
    raise AssertionError(f"{given.title}: the push phase accepts it")


def _settings(root: Path, environ: Mapping[str, str]) -> Settings:
    paths = {
        "KAITO_DATA_DIR": root / "data",
        "KAITO_MODEL_PATH": root / "model",
        "KAITO_CONFIG_FILE": root / "training_config.yaml",
        "KAITO_RESULTS_DIR": root / "results",
        "KAITO_PUSH_SECRET_FILE": root / "push-secret.json",
        "KAITO_REGISTRY_CA_FILE": root / "ca.crt",
    }
    return Settings.from_env({**{name: str(path) for name, path in paths.items()}, **environ})


def _json_list(texts: list[str]) -> str:
    return "[" + ", ".join(f'"{text}"' for text in texts) + "]"


@contextmanager
def _no_pauses() -> Iterator[None]:
    policy = RetryPolicy(max_attempts=2, sleep=lambda _: None, clock=lambda: 0.0)
    with (
        patch.object(phases, "RetryPolicy", lambda: policy),
        patch.object(output_repository, "RetryPolicy", lambda: policy),
    ):
        yield


def main() -> None:
    """Print the table in Markdown."""
    print("| Input | Reason | Message |\n|---|---|---|")
    for given in (*DATA_INPUTS, *BAD_REGISTRIES):
        with ExitStack() as stack:
            root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            if isinstance(given, DataInput):
                refusal = fetch_bad(given, root)
            else:
                refusal, _ = push_bad(given, root)
        print(f"| {given.title} | `{refusal.error.reason}` | {_cell(refusal.message, root)} |")


def _cell(message: str, root: Path) -> str:
    return " ".join(message.replace(str(root), "/mnt").replace("|", "\\|").split())


if __name__ == "__main__":
    main()
