"""How the machines of all agent pools are made, where a claim does not say otherwise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from gpu_provisioner import choices
from kaito_process.environment import Environment, SettingError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolDefaults:
    """In AKS's words. Empty ids, an empty disk type or driver, and None leave it to AKS."""

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
        """Raises SettingError."""

        def text(name: str, parse: Callable[[str], T], default: str = "") -> T:
            value = env.text(name, default, empty=True)
            return _parsed(name, value, lambda: parse(value))

        given = env.mapping("KAITO_AGENT_POOL_TAGS", {})
        shown = env.text("KAITO_AGENT_POOL_TAGS", "", empty=True)
        return cls(
            os_sku=text("KAITO_NODE_IMAGE_FAMILY", _word(choices.OS_SKUS), "ubuntu"),
            os_disk_type=text("KAITO_OS_DISK_TYPE", _word(choices.OS_DISK_TYPES)),
            gpu_driver=text("KAITO_GPU_DRIVER", _word(choices.GPU_DRIVERS)),
            spot_max_price=text("KAITO_SPOT_MAX_PRICE", choices.spot_price, "-1"),
            subnet_id=text("KAITO_NODE_SUBNET_ID", choices.subnet_id),
            proximity_placement_group_id=text(
                "KAITO_PROXIMITY_PLACEMENT_GROUP_ID", choices.placement_group_id
            ),
            max_pods=_max_pods(env),
            encryption_at_host=env.flag("KAITO_ENCRYPTION_AT_HOST", False),
            tags=_parsed("KAITO_AGENT_POOL_TAGS", shown, lambda: choices.tags(given)),
        )


def _word(words: Mapping[str, str]) -> Callable[[str], str]:
    return lambda value: choices.one_of(words, value)


def _max_pods(env: Environment) -> int | None:
    """AKS takes 10 to 250; 0 is its own choice."""
    name = "KAITO_MAX_PODS"
    value = env.number(name, 0, most=250)
    if 0 < value < 10:
        raise SettingError(
            name, str(value), "set a whole number from 10 to 250, or 0 for AKS's own"
        )
    return value or None


def _parsed(name: str, value: str, parse: Callable[[], T]) -> T:
    try:
        return parse()
    except ValueError as error:
        raise SettingError(name, value, str(error)) from error
