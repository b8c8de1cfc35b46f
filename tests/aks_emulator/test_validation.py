"""What AKS rejects in an agent pool's properties."""

import pytest

from tests.aks_emulator.builders import pool_properties
from tools.aks_emulator.core.validation import check

SPOT = {"scaleSetPriority": "Spot"}
SUBNET = "/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/virtualNetworks/v/subnets/n"


@pytest.mark.parametrize(
    ("changes", "target"),
    [
        pytest.param({}, None, id="as gpu-provisioner sends it"),
        pytest.param({"count": "1"}, "count", id="count is text"),
        pytest.param({"count": True}, "count", id="count is a boolean"),
        pytest.param({"count": 1001}, "count", id="count too large"),
        pytest.param({"count": 0, "mode": "System"}, "count", id="empty system pool"),
        pytest.param({"count": 0}, None, id="empty user pool"),
        pytest.param({"vmSize": 5}, "vmSize", id="size is a number"),
        pytest.param({"osDiskSizeGB": 29}, "osDiskSizeGB", id="disk too small"),
        pytest.param({"osDiskSizeGB": 2049}, "osDiskSizeGB", id="disk too large"),
        pytest.param({"osDiskSizeGB": 0}, None, id="default disk"),
        pytest.param({"osDiskSizeGB": None}, None, id="null is not given"),
        pytest.param({"osSKU": "Debian"}, "osSKU", id="unknown system"),
        pytest.param({"mode": "Worker"}, "mode", id="unknown mode"),
        pytest.param(
            {"nodeTaints": "sku=gpu:NoSchedule"}, "nodeTaints", id="taints are not a list"
        ),
        pytest.param({"nodeTaints": ["sku=gpu"]}, "nodeTaints", id="no effect"),
        pytest.param({"nodeTaints": ["sku=gpu:Never"]}, "nodeTaints", id="unknown effect"),
        pytest.param({"nodeTaints": ["sku:NoExecute", "a/b=:NoSchedule"]}, None, id="no value"),
        pytest.param({"nodeLabels": {"a b": "c"}}, "nodeLabels", id="blank in label"),
        pytest.param({"nodeLabels": {"a": "x" * 64}}, "nodeLabels", id="label too long"),
        pytest.param({"nodeLabels": {"a": 1}}, "nodeLabels", id="label is a number"),
        pytest.param(
            {"nodeLabels": {"kubernetes.azure.com/a": "b"}}, "nodeLabels", id="azure's prefix"
        ),
        pytest.param({"nodeLabels": {"kubernetes.io/a": "b"}}, "nodeLabels", id="kubernetes'"),
        pytest.param({"nodeLabels": {"karpenter.sh/nodepool": "kaito"}}, None, id="karpenter's"),
        pytest.param({"availabilityZones": ["one"]}, "availabilityZones", id="zone by name"),
        pytest.param({"spotMaxPrice": 1.5}, "spotMaxPrice", id="price without spot"),
        pytest.param({**SPOT, "spotMaxPrice": 0}, "spotMaxPrice", id="price zero"),
        pytest.param({**SPOT, "spotMaxPrice": -1}, None, id="spot without limit"),
        pytest.param(
            {"scaleSetEvictionPolicy": "Delete"}, "scaleSetEvictionPolicy", id="eviction, no spot"
        ),
        pytest.param({"osDiskType": "Local"}, "osDiskType", id="unknown disk type"),
        pytest.param({"osDiskType": "Ephemeral", "osSKU": "Ubuntu2404"}, None, id="ephemeral"),
        pytest.param({"enableNodePublicIP": "no"}, "enableNodePublicIP", id="switch is text"),
        pytest.param({"enableEncryptionAtHost": True}, None, id="encrypted"),
        pytest.param({"vnetSubnetID": "nodes"}, "vnetSubnetID", id="subnet by name"),
        pytest.param({"vnetSubnetID": SUBNET}, None, id="subnet by id"),
        pytest.param(
            {"proximityPlacementGroupID": SUBNET}, "proximityPlacementGroupID", id="another's id"
        ),
        pytest.param({"maxPods": 9}, "maxPods", id="too few pods"),
        pytest.param({"gpuProfile": {"driver": "None"}}, None, id="no driver"),
        pytest.param({"gpuProfile": {"driver": "Skip"}}, "gpuProfile", id="unknown driver"),
        pytest.param(
            {"gpuProfile": {"driver": "None"}, "vmSize": "Standard_D4s_v5"},
            "gpuProfile",
            id="driver without gpu",
        ),
        pytest.param({"gpuInstanceProfile": "MIG5g"}, "gpuInstanceProfile", id="unknown slice"),
        pytest.param({"tags": {"a<b": "c"}}, "tags", id="tag name"),
        pytest.param({"tags": {str(n): "" for n in range(51)}}, "tags", id="too many tags"),
    ],
)
def test_check(changes: dict[str, object], target: str | None) -> None:
    problem = check(pool_properties(**changes))
    assert (problem.target if problem else None) == (
        f"agentPoolProfile.{target}" if target else None
    )


def test_a_misspelt_property_is_named() -> None:
    problem = check(pool_properties(osDiskSizeGb=64))
    assert problem is not None
    assert "unknown field 'osDiskSizeGb'" in problem.message
