"""Node specifications: round trip, derived labels, valid names."""

import pytest

from tools.local_cluster.errors import ClusterError
from tools.local_cluster.nodes.spec import NodeSpec, Taint, check_name, system_node


def test_specification_survives_json_round_trip() -> None:
    spec = NodeSpec(
        name="gpu-1",
        labels={"a": "1"},
        taints=(Taint("sku", "gpu", "NoSchedule"),),
        gpus=2,
        instance_type="Standard_NC6s_v3",
        provider_id="azure:///x",
    )
    assert NodeSpec.from_json(spec.to_json()) == spec


def test_instance_type_label_can_be_overridden() -> None:
    label = "node.kubernetes.io/instance-type"
    assert NodeSpec(name="a", instance_type="big").all_labels[label] == "big"
    assert NodeSpec(name="a", instance_type="big", labels={label: "x"}).all_labels[label] == "x"
    assert label not in NodeSpec(name="a").all_labels


def test_system_node_is_labeled_like_an_aks_node() -> None:
    labels = system_node().all_labels
    assert labels["kubernetes.azure.com/mode"] == "system"
    assert labels["topology.kubernetes.io/region"] == "eastus"
    assert system_node().provider_id.startswith("azure:///subscriptions/")


@pytest.mark.parametrize("name", ["aks-wsabc-12345678-vmss000000", "a", "0", "x" * 63])
def test_valid_node_name_is_accepted(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "../etc", "A", "a/b", "-a", "a-", "a.b", "x" * 64])
def test_invalid_node_name_is_rejected(name: str) -> None:
    with pytest.raises(ClusterError, match="cannot name a node"):
        check_name(name)
