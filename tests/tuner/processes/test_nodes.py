"""One training on two nodes, whose launchers meet on this machine."""

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.tuner.process import run_tuner, running_tuner, wait_for
from tests.tuner.processes.runs import UPDATES, Run, assert_same

# As in test_training, and each node has a launcher besides.
pytestmark = pytest.mark.timeout(900)


class Nodes:
    """Two nodes, each with a disk of its own."""

    def __init__(self, root: Path, model: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as found:
            address = f"127.0.0.1:{found.getsockname()[1]}"
        self.runs = []
        for number in range(2):
            (root / str(number)).mkdir()
            run = Run(root / str(number), model)
            run.environ |= {
                "KAITO_POD_UID": f"pod-{number}",
                "KAITO_NODES": "2",
                "KAITO_NODE_RANK": str(number),
                "KAITO_RENDEZVOUS": address,
            }
            self.runs.append(run)

    @contextmanager
    def training(self, after: int = -1) -> Iterator[list[subprocess.Popen[str]]]:
        """Both nodes have written a checkpoint after that of the step `after`."""
        first, other = self.runs
        with (
            running_tuner("train", first.environ) as one,
            running_tuner("train", other.environ) as two,
        ):
            wait_for(lambda: self._are_past(after) or None not in (one.poll(), two.poll()))
            yield [one, two]

    def _are_past(self, step: int) -> bool:
        return all(run.checkpoints()[-1:] > [step] for run in self.runs)


def test_two_nodes_learn_what_one_process_does_whichever_of_them_is_lost(
    tmp_path: Path, model_dir: Path, alone: Run
) -> None:
    """One life, because each start imports the libraries in four processes."""
    nodes = Nodes(tmp_path, model_dir)
    first, other = nodes.runs

    # A node is drained: both write one checkpoint.
    with nodes.training() as (one, two):
        two.send_signal(signal.SIGTERM)
        assert (one.wait(120), two.wait(120)) == (1, 143)
    assert first.message()["reason"] == other.message()["reason"] == "TrainingStopped"
    stopped = first.checkpoints()[-1]
    assert 0 < stopped == other.checkpoints()[-1] < UPDATES

    # The pod of the first node is gone, with its disk.
    with nodes.training(after=stopped) as (one, two):
        one.kill()
        assert two.wait(120) == 1
    message = other.message()
    assert (message["reason"], message["retryable"]) == ("TrainingStopped", True)
    assert "node 1 of 2" in message["message"] or "another process" in message["message"]
    newest = other.checkpoints()[-1]
    assert stopped < newest < UPDATES
    shutil.rmtree(first.results)
    first.environ["KAITO_POD_UID"] = "pod-of-another-node"

    # It goes on with the copy of the other, which trains until the adapter is pushed.
    with running_tuner("train", other.environ) as two:
        code, log, err = run_tuner("train", first.environ, seconds=600)
        assert code == 0, log + err
        assert two.poll() is None
        two.send_signal(signal.SIGTERM)
        assert two.wait(120) == 143
    assert f"resuming from checkpoint-{newest}" in log
    assert "training on 2 nodes with 1 processes each; this is node 1 of 2" in log
    assert log.count(f"step {UPDATES} of {UPDATES}") == 1
    assert_same(first, alone)
    assert not (other.results / "adapter").exists()
    plan = json.loads((first.results / "summary.json").read_bytes())["plan"]
    assert (plan["global_batch"], plan["processes"], plan["micro_batch"]) == (8, 2, 4)


def test_only_the_first_node_pushes(tmp_path: Path, model_dir: Path) -> None:
    other: dict[str, Any] = Nodes(tmp_path, model_dir).runs[1].environ
    code, out, err = run_tuner("push", {**other, "KAITO_OUTPUT_IMAGE": "127.0.0.1:1/a:1"})
    assert code == 0, out + err
    assert "node 1 of 2 pushes the adapter" in out
    assert os.path.lexists(tmp_path / "1/results") is False
