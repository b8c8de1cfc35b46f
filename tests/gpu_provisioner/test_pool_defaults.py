"""The installation's defaults for agent pools: their values, and what is rejected at startup."""

import pytest

from gpu_provisioner.pool_defaults import PoolDefaults
from kaito_process.environment import Environment, SettingError

RESOURCES = "/subscriptions/s/resourceGroups/r/providers"
SUBNET = f"{RESOURCES}/Microsoft.Network/virtualNetworks/v/subnets/n"
PLACEMENT = f"{RESOURCES}/Microsoft.Compute/proximityPlacementGroups/p"


def test_no_settings_leave_choices_to_aks() -> None:
    assert PoolDefaults.from_env(Environment({})) == PoolDefaults()


def test_all_settings_are_read() -> None:
    variables = {
        "KAITO_NODE_IMAGE_FAMILY": "AzureLinux3",
        "KAITO_OS_DISK_TYPE": "ephemeral",
        "KAITO_GPU_DRIVER": "None",
        "KAITO_SPOT_MAX_PRICE": "1.5",
        "KAITO_NODE_SUBNET_ID": SUBNET,
        "KAITO_PROXIMITY_PLACEMENT_GROUP_ID": PLACEMENT,
        "KAITO_MAX_PODS": "30",
        "KAITO_ENCRYPTION_AT_HOST": "true",
        "KAITO_AGENT_POOL_TAGS": '{"cost-center": "7"}',
    }
    assert PoolDefaults.from_env(Environment(variables)) == PoolDefaults(
        os_sku="AzureLinux3",
        os_disk_type="Ephemeral",
        gpu_driver="None",
        spot_max_price=1.5,
        subnet_id=SUBNET,
        proximity_placement_group_id=PLACEMENT,
        max_pods=30,
        encryption_at_host=True,
        tags={"cost-center": "7"},
    )


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("NODE_IMAGE_FAMILY", "windows", "use one of ubuntu"),
        ("OS_DISK_TYPE", "ssd", "use one of managed, ephemeral"),
        ("GPU_DRIVER", "latest", "use one of install, none"),
        ("SPOT_MAX_PRICE", "cheap", "use -1 or US dollars an hour"),
        ("NODE_SUBNET_ID", "nodes", "az network vnet subnet show"),
        ("NODE_SUBNET_ID", PLACEMENT, "az network vnet subnet show"),
        ("PROXIMITY_PLACEMENT_GROUP_ID", "near", "az ppg show"),
        ("MAX_PODS", "5", "10 to 250"),
        ("MAX_PODS", "300", "0 to 250"),
        ("ENCRYPTION_AT_HOST", "maybe", "true or false"),
        ("AGENT_POOL_TAGS", '{"a/b": "c"}', "name 'a/b'"),
        ("AGENT_POOL_TAGS", '{"Kaito-claim": "c"}', "do not start with"),
        ("AGENT_POOL_TAGS", '{"a": 7}', "value of 'a'"),
        ("AGENT_POOL_TAGS", "[]", "JSON object"),
    ],
)
def test_invalid_setting_is_rejected(name: str, value: str, remedy: str) -> None:
    with pytest.raises(SettingError) as error:
        PoolDefaults.from_env(Environment({f"KAITO_{name}": value}))
    assert f"KAITO_{name} is" in str(error.value)
    assert remedy in str(error.value)
