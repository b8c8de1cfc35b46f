"""The process as the pod runs it: configured by environment variables, ended by SIGTERM."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kaito.inference.v1.inference_pb2 import GetModelRequest
from kaito.inference.v1.inference_pb2_grpc import InferenceServiceStub
from kaito_grpc.channels import open_channel
from kaito_process import logs
from model_server import __main__
from model_server.contract.server import SERVICE
from model_server.settings import Settings
from tests.model_server.text_generation_server.double import TextGenerationServerDouble


@contextmanager
def process(tmp_path: Path, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """A model-server on free ports, killed if the test leaves it running."""
    variables = {
        "KAITO_MODEL_NAME": "tiny",
        "KAITO_ADAPTERS_DIR": str(tmp_path / "none"),
        "KAITO_GRPC_PORT": "0",
        "KAITO_METRICS_PORT": "0",
        "KAITO_TERMINATION_LOG": str(tmp_path / "termination-log"),
        "KAITO_WORKSPACE": "phi",
        "PYTHONPATH": os.pathsep.join(sys.path),
        **environ,
    }
    command = [sys.executable, "-m", "model_server"]
    started = subprocess.Popen(
        command,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def wait_for(started: subprocess.Popen[str], message: str) -> dict[str, Any]:
    """The log line with this message."""
    assert started.stdout
    for line in started.stdout:
        entry: dict[str, Any] = json.loads(line)
        if entry["message"] == message:
            return entry
    raise AssertionError(f"the server exited before it logged {message!r}")


def test_serves_a_client_and_drains(
    model_folder: Path, adapters_folder: Path, tmp_path: Path
) -> None:
    with process(
        tmp_path,
        KAITO_MODEL_PATH=str(model_folder),
        KAITO_ADAPTERS_DIR=str(adapters_folder),
        KAITO_DEFAULT_ADAPTER="poet",
    ) as started:
        port = wait_for(started, "listening")["port"]
        serving = wait_for(started, "serving")
        assert (serving["workspace"], serving["adapters"]) == ("phi", ["pirate", "poet"])
        answers = [
            subprocess.run(
                [sys.executable, "-m", "model_server.client", "--target", f"localhost:{port}"]
                + ["--chat", "ship", "--max-new-tokens", "12", *more],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
                capture_output=True,
                text=True,
                check=True,
            )
            for more in ([], ["--stream"], ["--model", "tiny"])
        ]
        assert answers[0].stdout == answers[1].stdout != answers[2].stdout
        assert answers[0].stderr.startswith("tokens: ")
        started.send_signal(signal.SIGTERM)
        assert wait_for(started, "stopped")["service"] == "model-server"
        assert started.wait(20) == 0


def test_a_later_pod_of_several_answers_probes_and_nothing_else(tmp_path: Path) -> None:
    several = {"KAITO_NODES": "3", "KAITO_NODE_RANK": "2", "KAITO_LEADER": "ws-0.ws-headless"}
    with process(tmp_path, KAITO_ENGINE="vllm", **several) as started:
        logged = wait_for(started, "computes for the first pod")
        assert logged["leader"] == "ws-0.ws-headless"
        with grpc.insecure_channel(f"localhost:{logged['port']}") as channel:
            health: Any = health_pb2_grpc.HealthStub(channel)
            for service in ("", SERVICE):
                answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=20)
                assert answer.status == health_pb2.HealthCheckResponse.SERVING
            with pytest.raises(grpc.RpcError) as raised:
                InferenceServiceStub(channel).GetModel(GetModelRequest(), timeout=20)
            assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED
        started.send_signal(signal.SIGTERM)
        assert started.wait(20) == 0


async def test_serves_over_a_text_generation_server(tmp_path: Path) -> None:
    double = TextGenerationServerDouble()
    async with double.running():
        engine = {"KAITO_ENGINE": "text-generation-server", "KAITO_ENGINE_URL": double.url}
        with process(tmp_path, KAITO_MODEL_PATH=str(tmp_path), **engine) as started:
            port = (await asyncio.to_thread(wait_for, started, "listening"))["port"]
            await asyncio.to_thread(wait_for, started, "serving")
            async with open_channel(f"localhost:{port}") as channel:
                model = (await InferenceServiceStub(channel).GetModel(GetModelRequest())).model
            assert (model.engine, model.max_length) == ("text-generation-server 2.4.1-dev0", 2048)
            started.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(started.wait, 20) == 0


@pytest.mark.parametrize(
    ("environ", "code", "error"),
    [
        ({"KAITO_MODEL_PATH": "/nowhere"}, 1, "no config.json"),
        ({"KAITO_GRPC_PORT": "many"}, 2, "KAITO_GRPC_PORT is 'many'"),
    ],
    ids=["model", "settings"],
)
def test_failed_start_names_the_cause(
    tmp_path: Path, environ: dict[str, str], code: int, error: str
) -> None:
    with process(tmp_path, **environ) as started:
        logged, printed = started.communicate(timeout=60)
        assert started.returncode == code
        # Wrong settings are printed: they may include the log's own level.
        assert error in (logged if code == 1 else printed)
    log = tmp_path / "termination-log"
    if code == 1:
        assert json.loads(log.read_text())["reason"] == "ModelLoadFailed"


def test_unexpected_error_leaves_a_termination_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "termination-log"
    monkeypatch.setenv("KAITO_MODEL_NAME", "tiny")
    monkeypatch.setenv("KAITO_TERMINATION_LOG", str(log))
    # What `main` would change for all other tests.
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(logs, "configure", lambda *_, **__: None)

    async def explode(_: Settings) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(__main__, "serve", explode)
    assert __main__.main() == 1
    written = json.loads(log.read_text())
    assert (written["reason"], written["retryable"]) == ("ContainerCrashed", True)
    assert "ZeroDivisionError('a defect')" in written["message"]
