"""The command line: labels, taints and logs."""

import argparse
from pathlib import Path

import pytest

from tools.local_cluster import __main__ as command_line
from tools.local_cluster.errors import ClusterError
from tools.local_cluster.nodes.spec import Taint
from tools.local_cluster.paths import Paths


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sku=gpu:NoSchedule", Taint("sku", "gpu", "NoSchedule")),
        ("a/b:NoExecute", Taint("a/b", "", "NoExecute")),
    ],
)
def test_taint_is_parsed(text: str, expected: Taint) -> None:
    assert command_line.taint(text) == expected


@pytest.mark.parametrize("text", ["sku=gpu", "sku=gpu:Never", ":NoSchedule", ""])
def test_invalid_taint_is_rejected(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="KEY=VALUE"):
        command_line.taint(text)


def test_label_is_parsed() -> None:
    assert command_line.label("a/b=c=d") == ("a/b", "c=d")
    with pytest.raises(argparse.ArgumentTypeError, match="KEY=VALUE"):
        command_line.label("a")


def test_node_add_accepts_repeated_labels_and_taints() -> None:
    words = "node add n --label a=1 --label b=2 --taint c:NoSchedule --gpus 4".split()
    options = command_line.parser().parse_args(words)
    assert dict(options.label) == {"a": "1", "b": "2"}
    assert options.taint == [Taint("c", "", "NoSchedule")]
    assert options.gpus == 4


def test_unknown_log_error_lists_available_logs(tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path)
    paths.log.mkdir()
    (paths.log / "etcd.log").touch()
    kubelet = paths.node("gpu-1") / "log" / "kubelet.log"
    kubelet.parent.mkdir(parents=True)
    kubelet.touch()
    with pytest.raises(ClusterError, match=r"etcd, gpu-1/kubelet"):
        command_line.show_log(paths, "etc", follow=False)
