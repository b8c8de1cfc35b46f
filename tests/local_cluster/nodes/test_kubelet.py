"""The kubelet's configuration: allowed labels, taints, and settings for small machines."""

import json
from pathlib import Path

import pytest

from tools.local_cluster.nodes import kubelet
from tools.local_cluster.nodes.spec import Taint
from tools.local_cluster.pki.certificates import Pair

SETTINGS = kubelet.Settings(
    node="gpu-1",
    address="172.30.0.11",
    provider_id="azure:///subscriptions/s",
    taints=(Taint("sku", "gpu", "NoSchedule"), Taint("bare", "", "NoExecute")),
    root=Path("/home/nodes/gpu-1/kubelet"),
    socket=Path("/run/n1/containerd.sock"),
    tls=Pair(Path("/pki/k.crt"), Path("/pki/k.key")),
    authority=Path("/pki/ca.crt"),
    resolver=None,
)


@pytest.mark.parametrize(
    ("label", "allowed"),
    [
        ("agentpool", True),
        ("kaito.sh/workspace", True),
        ("kubernetes.azure.com/mode", True),
        ("node.kubernetes.io/instance-type", True),
        ("node.kubernetes.io/anything", True),
        ("topology.kubernetes.io/region", True),
        ("kubernetes.io/role", False),
        ("node-role.kubernetes.io/agent", False),
        ("node-restriction.kubernetes.io/x", False),
        ("topology.kubernetes.io/other", False),
        ("x.k8s.io/y", False),
    ],
)
def test_kubelet_sets_allowed_labels_only(label: str, allowed: bool) -> None:
    assert kubelet.is_allowed(label) is allowed


def test_split_keeps_every_label() -> None:
    labels = {"agentpool": "p", "kubernetes.io/role": "agent"}
    first, later = kubelet.split_labels(labels)
    assert (first, later) == ({"agentpool": "p"}, {"kubernetes.io/role": "agent"})


def test_node_registers_with_its_taints() -> None:
    assert json.loads(kubelet.render(SETTINGS))["registerWithTaints"] == [
        {"key": "sku", "value": "gpu", "effect": "NoSchedule"},
        {"key": "bare", "effect": "NoExecute"},
    ]


def test_each_node_has_its_own_control_group_folders_and_socket() -> None:
    config = json.loads(kubelet.render(SETTINGS))
    assert config["cgroupRoot"] == "/kaito-local/nodes/gpu-1"
    assert config["containerRuntimeEndpoint"] == "unix:///run/n1/containerd.sock"
    assert config["podLogsDir"].startswith("/home/nodes/gpu-1/")
    assert config["resolvConf"] == ""


def test_swap_and_cgroup_v1_are_accepted() -> None:
    config = json.loads(kubelet.render(SETTINGS))
    assert (config["failSwapOn"], config["failCgroupV1"]) == (False, False)
    assert config["imageGCHighThresholdPercent"] == 100


def test_flags_contain_node_name_and_labels() -> None:
    flags = kubelet.flags(Path("/c"), Path("/k"), SETTINGS, {"b": "2", "a": "1"})
    assert "--hostname-override=gpu-1" in flags
    assert "--node-labels=a=1,b=2" in flags
