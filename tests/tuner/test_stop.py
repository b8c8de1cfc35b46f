"""StopTuning over gRPC on a real process: it stops, answers, and waits for its signal."""

import shutil
import signal
import socket
from pathlib import Path

import grpc
import pytest

from kaito.tuning.v1 import tuning_pb2, tuning_pb2_grpc
from tests.tuner.process import running_tuner, wait_for

pytestmark = pytest.mark.timeout(400)
CONFIG = "training_config: {TrainingArguments: {max_steps: 100000}, LoraConfig: {r: 4}}"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@pytest.mark.usefixtures("conversations")
def test_stopped_process_has_a_checkpoint_and_still_answers(
    environ: dict[str, str], tmp_path: Path, model_dir: Path
) -> None:
    shutil.copytree(model_dir, tmp_path / "model")
    Path(environ["KAITO_CONFIG_FILE"]).write_text(CONFIG)
    environ["KAITO_GRPC_PORT"] = str(_free_port())
    target = f"127.0.0.1:{environ['KAITO_GRPC_PORT']}"
    with running_tuner("train", environ) as process, grpc.insecure_channel(target) as channel:
        stub = tuning_pb2_grpc.TuningServiceStub(channel)

        def run() -> tuning_pb2.Tuning:
            tuning: tuning_pb2.Tuning = stub.GetTuning(
                tuning_pb2.GetTuningRequest(), wait_for_ready=True, timeout=300
            ).tuning
            return tuning

        wait_for(lambda: run().progress.step > 0 or process.poll() is not None)
        watching = stub.WatchTuning(tuning_pb2.WatchTuningRequest(), timeout=300)
        stub.StopTuning(tuning_pb2.StopTuningRequest(), timeout=300)
        last = [answer.tuning for answer in watching][-1]
        assert last.state == tuning_pb2.Tuning.STOPPED
        assert last.checkpoint.step == last.progress.step > 0
        assert process.poll() is None
        assert run() == last
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143
