"""The Node that a pool's machine becomes."""

from typing import Any

from tests.aks_emulator.pieces import PLACE, TERMS, created
from tools.aks_emulator.machines.nodes import Node, Taint, node


def made(index: int = 0, **changes: Any) -> Node:
    return node(created(**changes).state.pools["ws1"], index, PLACE, TERMS.catalog)


def test_names_are_those_of_a_scale_set() -> None:
    first, twelfth = made(), made(11)
    suffix = PLACE.suffix
    assert len(suffix) == 8
    assert first.name == f"aks-ws1-{suffix}-vmss000000"
    assert twelfth.name == f"aks-ws1-{suffix}-vmss00000b"
    assert first.provider_id == (
        f"azure:///subscriptions/{PLACE.subscription}/resourceGroups/mc_kaito-rg_kaito-local_eastus"
        f"/providers/Microsoft.Compute/virtualMachineScaleSets/aks-ws1-{suffix}-vmss"
        "/virtualMachines/0"
    )


def test_a_gpu_node_carries_the_labels_of_aks_and_of_its_pool() -> None:
    labels = made().labels
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


def test_gpus_follow_from_the_size() -> None:
    assert made().gpus == 1
    assert made(vmSize="Standard_NC96ads_A100_v4").gpus == 4
    plain = made(vmSize="Standard_D4s_v5")
    assert plain.gpus == 0
    assert "accelerator" not in plain.labels


def test_zones_go_round() -> None:
    zones = [made(index, availabilityZones=["1", "2"], count=3) for index in range(3)]
    assert [n.labels["topology.kubernetes.io/zone"] for n in zones] == [
        "eastus-1", "eastus-2", "eastus-1",
    ]  # fmt: skip


def test_taints_are_the_pools_and_that_of_spot() -> None:
    assert made().taints == (Taint("sku", "gpu", "NoSchedule"),)
    spot = made(scaleSetPriority="Spot", nodeTaints=["a:NoExecute"])
    assert spot.taints == (
        Taint("a", "", "NoExecute"),
        Taint("kubernetes.azure.com/scalesetpriority", "spot", "NoSchedule"),
    )
    assert spot.labels["kubernetes.azure.com/scalesetpriority"] == "spot"
