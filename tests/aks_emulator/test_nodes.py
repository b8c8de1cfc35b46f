"""The Node of a pool's machine."""

from typing import Any

from tests.aks_emulator.builders import IDS, SETTINGS, created
from tools.aks_emulator.machines.nodes import Node, Taint, node


def build_node(index: int = 0, **changes: Any) -> Node:
    return node(created(**changes).state.pools["ws1"], index, IDS, SETTINGS.catalog)


def test_names_match_aks_scale_sets() -> None:
    first, twelfth = build_node(), build_node(11)
    suffix = IDS.suffix
    assert len(suffix) == 8
    assert first.name == f"aks-ws1-{suffix}-vmss000000"
    assert twelfth.name == f"aks-ws1-{suffix}-vmss00000b"
    assert first.provider_id == (
        f"azure:///subscriptions/{IDS.subscription}/resourceGroups/mc_kaito-rg_kaito-local_eastus"
        f"/providers/Microsoft.Compute/virtualMachineScaleSets/aks-ws1-{suffix}-vmss"
        "/virtualMachines/0"
    )


def test_gpu_node_has_labels_of_aks_and_of_its_pool() -> None:
    labels = build_node().labels
    expected = {
        "agentpool": "ws1",
        "kubernetes.azure.com/agentpool": "ws1",
        "kubernetes.azure.com/cluster": "MC_kaito-rg_kaito-local_eastus",
        "kubernetes.azure.com/mode": "user",
        "kubernetes.azure.com/role": "agent",
        "kubernetes.azure.com/accelerator": "nvidia",
        "accelerator": "nvidia",
        "node.kubernetes.io/instance-type": "Standard_NC6s_v3",
        "beta.kubernetes.io/instance-type": "Standard_NC6s_v3",
        "topology.kubernetes.io/region": "eastus",
        "topology.kubernetes.io/zone": "0",
        "storageprofile": "managed",
        "kaito.sh/workspace": "falcon",
    }
    assert expected.items() <= labels.items()
    assert labels["kubernetes.azure.com/node-image-version"].startswith("AKSUbuntu-2204")


def test_gpu_count_follows_the_vm_size() -> None:
    assert build_node().gpus == 1
    assert build_node(vmSize="Standard_NC96ads_A100_v4").gpus == 4
    plain = build_node(vmSize="Standard_D4s_v5")
    assert plain.gpus == 0
    assert "accelerator" not in plain.labels


def test_nodes_are_spread_over_zones() -> None:
    zones = [build_node(index, availabilityZones=["1", "2"], count=3) for index in range(3)]
    assert [n.labels["topology.kubernetes.io/zone"] for n in zones] == [
        "eastus-1", "eastus-2", "eastus-1",
    ]  # fmt: skip


def test_taints_include_the_spot_taint() -> None:
    assert build_node().taints == (Taint("sku", "gpu", "NoSchedule"),)
    spot = build_node(scaleSetPriority="Spot", nodeTaints=["a:NoExecute"])
    assert spot.taints == (
        Taint("a", "", "NoExecute"),
        Taint("kubernetes.azure.com/scalesetpriority", "spot", "NoSchedule"),
    )
    assert spot.labels["kubernetes.azure.com/scalesetpriority"] == "spot"
