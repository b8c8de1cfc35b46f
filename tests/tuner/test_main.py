"""The command line, as the kubelet runs it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import grpc
import pytest

from kaito.tuning.v1 import tuning_pb2, tuning_pb2_grpc
from kaito_registry import fake
from kaito_registry.fake import FakeRegistry
from tests.tuner import tiny
from tests.tuner.process import PYTHONPATH, run_tuner, running_tuner
from tests.tuner.registry.adapters import write_adapter
from tests.tuner.sources.server import Answer, DataServer
from tests.tuner.summaries import SUMMARY
from tuner.summary import write_summary

RUN = "import runpy; runpy.run_module('tuner', run_name='__main__')"


def _termination_message(environ: dict[str, str]) -> Any:
    return json.loads(Path(environ["KAITO_TERMINATION_LOG"]).read_bytes())


@pytest.fixture
def trained(environ: dict[str, str]) -> dict[str, str]:
    """The environment after a finished training."""
    results = Path(environ["KAITO_RESULTS_DIR"])
    results.mkdir()
    write_adapter(results / "adapter")
    write_summary(results / "summary.json", SUMMARY)
    return environ


def test_fetch_stores_the_file(environ: dict[str, str], tmp_path: Path) -> None:
    body = tiny.write_parquet(tmp_path / "x.parquet", tiny.conversations(5)).read_bytes()
    with DataServer({"/d.parquet": [Answer(body=body)]}).running() as server:
        environ["KAITO_DATA_URLS"] = json.dumps([f"{server.url}/d.parquet?download=true"])
        code, out, err = run_tuner("fetch", environ)
    assert (code, err) == (0, "")
    lines = [json.loads(line) for line in out.splitlines()]
    assert {line["workspace"] for line in lines} == {"test/ws"}
    assert any("fetched 5 rows, sha256:" in line["message"] for line in lines)
    assert (tmp_path / "data" / "d.parquet").read_bytes() == body


def test_restarted_fetch_does_not_download_unusable_data_again(environ: dict[str, str]) -> None:
    environ["KAITO_POD_UID"] = "5c0f"
    with DataServer({"/d.parquet": [Answer(body=b"<html></html>")]}).running() as server:
        environ["KAITO_DATA_URLS"] = json.dumps([f"{server.url}/d.parquet"])
        assert run_tuner("fetch", environ)[0] == 1
        first = _termination_message(environ)
        downloads = len(server.seen)
        assert run_tuner("fetch", environ)[0] == 1
        assert len(server.seen) == downloads > 0
    again = _termination_message(environ)
    assert first["reason"] == again["reason"] == "DataUnreadable"
    assert first["message"] == again["message"]


def test_fetch_reports_on_the_data(environ: dict[str, str], conversations: Path) -> None:
    environ["KAITO_INSTANCE_TYPE"] = "Standard_NC24ads_A100_v4"
    code, out, _ = run_tuner("fetch", environ)
    assert code == 0
    lines = [json.loads(line)["message"] for line in out.splitlines()]
    assert "  train.parquet  parquet  messages    24  1.3 kB" in lines
    assert "The data can be trained on." in lines
    report = json.loads((conversations / ".kaito-report.json").read_bytes())
    assert report["rows"]["read"] == 24
    message = _termination_message(environ)
    assert message["data"]["rows"] == 24
    assert message["data"]["lost"] == []


def test_fetch_with_a_tokenizer_counts_its_tokens(
    environ: dict[str, str], conversations: Path, model_dir: Path
) -> None:
    environ["KAITO_MODEL_PATH"] = str(model_dir)
    code, out, _ = run_tuner("fetch", environ)
    assert code == 0
    assert _termination_message(environ)["data"]["exact"]
    lines = [json.loads(line)["message"] for line in out.splitlines()]
    assert "    + Arr! It is 1. Yo ho!<|end|>↵" in lines


def test_fetch_stops_where_too_many_rows_are_lost(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    rows = [[], *tiny.conversations(9)]
    tiny.write_parquet(tmp_path / "data/d.parquet", rows)
    code, out, _ = run_tuner("fetch", environ)
    assert code == 1
    message = _termination_message(environ)
    assert (message["reason"], message["retryable"]) == ("DataRowsLost", False)
    assert message["message"].startswith("1 of 10 rows (10 %) would be dropped or cut: ")
    assert message["data"]["dropped"] == 1
    assert message["data"]["lost"][0]["number"] == 1
    assert any("First 1 of 1 lost rows:" in line for line in out.splitlines())


def test_report_on_a_read_only_volume_is_in_the_results(
    environ: dict[str, str], conversations: Path
) -> None:
    Path(environ["KAITO_RESULTS_DIR"]).mkdir()
    # A directory of that name refuses the file, as a read-only volume does, for root, too.
    (conversations / ".kaito-report.json.part").mkdir()
    code, _, _ = run_tuner("fetch", environ)
    assert code == 0
    report = json.loads((Path(environ["KAITO_RESULTS_DIR"]) / ".kaito-report.json").read_bytes())
    assert report["rows"]["read"] == 24


def test_failure_is_in_the_termination_message(environ: dict[str, str]) -> None:
    environ |= {
        "KAITO_DATA_URLS": '["http://127.0.0.1/x.parquet"]',
        "KAITO_ALLOW_PRIVATE_DATA_HOSTS": "false",
    }
    code, out, _ = run_tuner("fetch", environ)
    assert code == 1
    message = _termination_message(environ)
    assert (message["reason"], message["retryable"]) == ("DataUnreachable", False)
    assert "which is not public" in message["message"]
    assert "ERROR" in out


@pytest.mark.parametrize("command", ["train", "push", "fetch"])
def test_every_phase_reports_its_missing_input(command: str, environ: dict[str, str]) -> None:
    Path(environ["KAITO_DATA_DIR"]).mkdir()
    environ["KAITO_OUTPUT_IMAGE"] = "127.0.0.1:1/a:1"
    code, _, _ = run_tuner(command, environ)
    assert code == 1
    assert _termination_message(environ)["reason"] == (
        "PushFailed" if command == "push" else "DataEmpty"
    )


def test_wrong_setting_is_a_usage_error(environ: dict[str, str]) -> None:
    environ["KAITO_METHOD"] = "full"
    code, _, err = run_tuner("fetch", environ)
    assert code == 2
    assert err == "tuner: KAITO_METHOD is 'full': set one of lora, qlora, dpo\n"
    assert _termination_message(environ)["reason"] == "ConfigInvalid"


def test_unexpected_error_is_reported(environ: dict[str, str]) -> None:
    Path(environ["KAITO_DATA_DIR"]).write_text("a file, not a directory")
    environ["KAITO_DATA_URLS"] = '["http://127.0.0.1:1/x"]'
    code, out, _ = run_tuner("fetch", environ)
    assert code == 1
    message = _termination_message(environ)
    assert message["reason"] == "TrainingFailed"
    assert "FileExistsError" in message["message"]
    assert "Traceback" in out


def test_signal_interrupts_fetching(environ: dict[str, str]) -> None:
    answered = threading.Event()

    class Silent(DataServer):
        def next(self, path: str) -> Answer:
            answered.set()
            released.wait(60)
            return Answer()

    released = threading.Event()
    with Silent().running() as server:
        environ["KAITO_DATA_URLS"] = json.dumps([f"{server.url}/d.parquet"])
        with running_tuner("fetch", environ) as process:
            assert answered.wait(60)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 143
        released.set()
    message = _termination_message(environ)
    assert (message["reason"], message["retryable"]) == ("TrainingStopped", True)
    assert "stopped by a signal" in message["message"]


def test_check_push_tells_before_the_training_what_the_push_would_fail_with(
    environ: dict[str, str],
) -> None:
    with FakeRegistry(auth="basic").running() as registry:
        environ |= {
            "KAITO_OUTPUT_IMAGE": f"{registry.host}/team/adapter:1",
            "KAITO_INSECURE_REGISTRIES": registry.host,
        }
        secret = Path(environ["KAITO_PUSH_SECRET_FILE"])
        wrong, right = ({"username": "user", "password": p} for p in ("wrong", "secret"))
        secret.write_text(json.dumps({"auths": {registry.host: wrong}}))
        assert run_tuner("check-push", environ)[0] == 1
        assert _termination_message(environ)["reason"] == "PushUnauthorized"
        secret.write_text(json.dumps({"auths": {registry.host: right}}))
        code, out, _ = run_tuner("check-push", environ)
        assert code == 0 and f"{registry.host}/team/adapter:1 can be pushed" in out
        assert not registry.manifests and not registry.uploads


def test_push_uses_the_secret(trained: dict[str, str]) -> None:
    with FakeRegistry(auth="token").running() as registry:
        auths = {registry.host: {"username": "user", "password": "secret"}}
        Path(trained["KAITO_PUSH_SECRET_FILE"]).write_text(json.dumps({"auths": auths}))
        trained |= {
            "KAITO_OUTPUT_IMAGE": f"{registry.host}/team/adapter:0.0.1",
            "KAITO_INSECURE_REGISTRIES": registry.host,
        }
        code, _, _ = run_tuner("push", trained)
        message = _termination_message(trained)
        assert run_tuner("push", trained)[0] == 0
    assert code == 0
    assert _termination_message(trained) == message
    assert set(message) == {"image", "digest", "size"}
    assert message["image"] == f"{registry.host}/team/adapter:0.0.1"
    manifest = json.loads(registry.manifests[message["digest"]])
    assert manifest["layers"][0]["size"] == message["size"]
    annotations = manifest["annotations"]
    assert annotations["sh.kaito.model.name"] == "phi-3-tiny"
    assert annotations["ai.kaito.method"] == "lora"
    assert annotations["ai.kaito.dataset.digest"] == "sha256:da"
    assert annotations["ai.kaito.training.loss"] == "0.25"
    assert annotations["org.opencontainers.image.created"] == SUMMARY.finished_at


@pytest.mark.parametrize(
    ("value", "expected"), [(float("nan"), "not finite"), (0.0, "every matrix B is zero")]
)
def test_broken_adapter_is_not_pushed(value: float, expected: str, trained: dict[str, str]) -> None:
    adapter = Path(trained["KAITO_RESULTS_DIR"]) / "adapter"
    shutil.rmtree(adapter)
    write_adapter(adapter, value, value)
    with FakeRegistry().running() as registry:
        trained |= {
            "KAITO_OUTPUT_IMAGE": f"{registry.host}/team/adapter:1",
            "KAITO_INSECURE_REGISTRIES": registry.host,
        }
        code, _, _ = run_tuner("push", trained)
        assert not registry.manifests
        assert not registry.blobs
    assert code == 1
    message = _termination_message(trained)
    assert (message["reason"], message["retryable"]) == ("PushFailed", False)
    assert expected in message["message"]


def test_wrong_secret_is_named(trained: dict[str, str]) -> None:
    with FakeRegistry(auth="basic").running() as registry:
        auths = {registry.host: {"username": "user", "password": "wrong"}}
        Path(trained["KAITO_PUSH_SECRET_FILE"]).write_text(json.dumps({"auths": auths}))
        trained |= {
            "KAITO_OUTPUT_IMAGE": f"{registry.host}/team/adapter:0.0.1",
            "KAITO_INSECURE_REGISTRIES": registry.host,
            "KAITO_PUSH_SECRET_NAME": "my-push-secret",
        }
        code, out, _ = run_tuner("push", trained)
    assert code == 1
    message = _termination_message(trained)
    assert message["reason"] == "PushUnauthorized"
    assert "the secret 'my-push-secret' holds credentials" in message["message"]
    assert "wrong" not in out


# With gRPC's default backoff the client would only reconnect after the pusher has exited.
FAST_RECONNECT = (("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 100))


def test_watcher_receives_the_end_of_the_push(trained: dict[str, str]) -> None:
    with FakeRegistry().running() as registry:
        trained |= {
            "KAITO_OUTPUT_IMAGE": f"{registry.host}/team/adapter:1",
            "KAITO_INSECURE_REGISTRIES": registry.host,
            "KAITO_GRPC_PORT": str(_free_port()),
        }
        registry.failures = [fake.Answer(status=503)]
        address = f"127.0.0.1:{trained['KAITO_GRPC_PORT']}"
        with (
            running_tuner("push", trained) as process,
            grpc.insecure_channel(address, options=FAST_RECONNECT) as channel,
        ):
            stub = tuning_pb2_grpc.TuningServiceStub(channel)
            watching = stub.WatchTuning(tuning_pb2.WatchTuningRequest(), wait_for_ready=True)
            *_, last = (answer.tuning for answer in watching)
            assert process.wait(30) == 0
    assert last.state == tuning_pb2.Tuning.SUCCEEDED
    assert last.adapter.digest == _termination_message(trained)["digest"]
    assert (last.progress.step, last.progress.total_steps) == (12, 12)
    assert last.HasField("end_time")


@pytest.mark.usefixtures("conversations")
def test_restarted_trainer_repeats_a_permanent_failure_without_torch(
    environ: dict[str, str],
) -> None:
    """There is no model: the first attempt imports torch to say so."""
    environ["KAITO_POD_UID"] = "5c0f"
    assert run_tuner("train", environ)[0] == 1
    first = _termination_message(environ)
    assert first["reason"] == "ModelLoadFailed"
    without_torch = f"import sys; sys.modules['torch'] = None; sys.argv = ['tuner', 'train']; {RUN}"
    completed = subprocess.run(
        [sys.executable, "-c", without_torch],
        env={**os.environ, "PYTHONPATH": PYTHONPATH, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 1, completed.stderr
    assert _termination_message(environ) == first


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["nonsense"], []])
def test_usage_is_printed(arguments: list[str]) -> None:
    completed = subprocess.run(
        [sys.executable, "-m", "tuner", *arguments],
        env={"PYTHONPATH": PYTHONPATH},
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == (0 if "--help" in arguments else 2)
    assert "usage: python -m tuner" in completed.stdout + completed.stderr


def test_fetch_and_push_import_no_training_library() -> None:
    code = (
        "import sys, tuner.__main__; "
        "print(*{'torch', 'transformers', 'peft', 'trl', 'datasets', 'pandas'} & set(sys.modules))"
    )
    completed = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": PYTHONPATH},
        capture_output=True,
        text=True,
        check=True,
    )
    assert completed.stdout.strip() == ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
