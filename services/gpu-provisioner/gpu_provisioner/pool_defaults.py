"""The installation's defaults for agent pools, which annotations of a claim can override."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gpu_provisioner import aks_values
from kaito_process.environment import Environment, SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolDefaults:
    """Values as AKS's API names them. AKS chooses whatever is empty or None."""

    os_sku: str = "Ubuntu"
    os_disk_type: str = ""
    gpu_driver: str = ""
    spot_max_price: float = -1.0
    subnet_id: str = ""
    proximity_placement_group_id: str = ""
    max_pods: int | None = None
    encryption_at_host: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_env(cls, env: Environment) -> "PoolDefaults":
        """Read the defaults from the environment.

        Raises:
            SettingError: a variable has an invalid value.
        """
        tags = env.json_object("KAITO_AGENT_POOL_TAGS", {})
        return cls(
            os_sku=env.parsed("KAITO_NODE_IMAGE_FAMILY", _choice(aks_values.OS_SKUS), "ubuntu"),
            os_disk_type=env.parsed("KAITO_OS_DISK_TYPE", _choice(aks_values.OS_DISK_TYPES), ""),
            gpu_driver=env.parsed("KAITO_GPU_DRIVER", _choice(aks_values.GPU_DRIVERS), ""),
            spot_max_price=env.parsed("KAITO_SPOT_MAX_PRICE", aks_values.spot_price, "-1"),
            subnet_id=env.parsed("KAITO_NODE_SUBNET_ID", aks_values.subnet_id, ""),
            proximity_placement_group_id=env.parsed(
                "KAITO_PROXIMITY_PLACEMENT_GROUP_ID", aks_values.placement_group_id, ""
            ),
            max_pods=_max_pods(env),
            encryption_at_host=env.flag("KAITO_ENCRYPTION_AT_HOST", False),
            tags=env.parsed("KAITO_AGENT_POOL_TAGS", lambda _: aks_values.tags(tags), ""),
        )


def _choice(values: Mapping[str, str]) -> Callable[[str], str]:
    return lambda value: aks_values.one_of(values, value)


def _max_pods(env: Environment) -> int | None:
    """Return None for 0, which lets AKS choose. AKS accepts 10 to 250."""
    name = "KAITO_MAX_PODS"
    value = env.integer(name, 0, maximum=250)
    if 0 < value < 10:
        raise SettingError(
            name, str(value), "set a whole number from 10 to 250, or 0 for AKS's default"
        )
    return value or None
