"""The tuner's settings, read from the environment once, in `__main__`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from kaito_process.cpu import has_bfloat16
from kaito_process.environment import Environment
from kaito_training.validation import RESULTS_DIR
from tuner.processes.node import Node

# Between two log lines about the progress of a transfer or a training.
PROGRESS_LOG_SECONDS = 5.0
# The tuner writes its termination message here even when the settings themselves are wrong.
TERMINATION_LOG = "/dev/termination-log"


# More than any node has GPUs, and as many nodes as resource.count allows.
MOST_PROCESSES, MOST_NODES = 64, 1000
RENDEZVOUS_PORT = 29400


class Method(StrEnum):
    """How a model is tuned. QLoRA is LoRA on a base model quantized to 4 or 8 bits.

    DPO is direct preference optimization with LoRA, whether the base model is quantized or not.
    """

    LORA = "lora"
    QLORA = "qlora"
    DPO = "dpo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one run. Directories are absolute paths inside the container.

    `hub_id` is the base model's name on the Hugging Face hub and `license` the hub's name of its
    license, "" if unknown. The price of the node
    is in US dollars; it and the number of the model's parameters are None if unknown. `processes`
    train on this node, and `node` is None if it trains alone.
    """

    workspace: str
    namespace: str
    pod_uid: str
    base_model: str
    hub_id: str
    license: str
    instance_type: str
    node_hourly_price: float | None
    model_parameters: int | None
    method: Method
    data_urls: tuple[str, ...]
    access_secret_dir: Path
    access_secret_name: str
    data_dir: Path
    model_path: Path
    config_file: Path
    results_dir: Path
    output_image: str
    push_secret_file: Path
    push_secret_name: str
    signing_secret_dir: Path
    signing_secret_name: str
    insecure_registries: frozenset[str]
    registry_ca_file: Path
    registry_ca_name: str
    overwrite_image: bool
    grpc_port: int
    metrics_port: int
    allow_private_data_hosts: bool
    max_data_bytes: int
    target_modules: tuple[str, ...]
    checkpoint_seconds: float
    termination_log: Path
    log_level: str
    cpu_bfloat16: bool
    processes: int
    node: Node | None

    @property
    def name(self) -> str:
        """The run's name in TuningService and in the logs: "<namespace>/<workspace>"."""
        return f"{self.namespace}/{self.workspace}"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read every variable.

        Raises:
            SettingError: a variable is unusable; the first one is named.
        """
        env = Environment(environ)
        processes = env.integer("KAITO_PROCESSES", 1, minimum=1, maximum=MOST_PROCESSES)
        node = _node(env, processes)
        return cls(
            workspace=env.text("KAITO_WORKSPACE", "local"),
            namespace=env.text("KAITO_NAMESPACE", "default"),
            pod_uid=env.text("KAITO_POD_UID", ""),
            base_model=env.text("KAITO_BASE_MODEL", ""),
            hub_id=env.text("KAITO_BASE_MODEL_HUB_ID", ""),
            license=env.text("KAITO_BASE_MODEL_LICENSE", ""),
            instance_type=env.text("KAITO_INSTANCE_TYPE", ""),
            node_hourly_price=env.parsed("KAITO_NODE_HOURLY_PRICE", _price, ""),
            model_parameters=env.integer("KAITO_MODEL_PARAMETERS", 0, maximum=10**15) or None,
            method=env.choice("KAITO_METHOD", Method, Method.LORA),
            data_urls=env.json_strings("KAITO_DATA_URLS"),
            access_secret_dir=env.path("KAITO_ACCESS_SECRET_DIR", "/mnt/access-secret"),
            access_secret_name=env.text("KAITO_ACCESS_SECRET_NAME", ""),
            data_dir=env.path("KAITO_DATA_DIR", "/mnt/data"),
            model_path=env.path("KAITO_MODEL_PATH", "/mnt/model"),
            config_file=env.path("KAITO_CONFIG_FILE", "/mnt/config/training_config.yaml"),
            results_dir=_results_dir(env, node),
            output_image=env.text("KAITO_OUTPUT_IMAGE", ""),
            push_secret_file=env.path(
                "KAITO_PUSH_SECRET_FILE", "/mnt/push-secret/.dockerconfigjson"
            ),
            push_secret_name=env.text("KAITO_PUSH_SECRET_NAME", ""),
            signing_secret_dir=env.path("KAITO_SIGNING_SECRET_DIR", "/mnt/signing-secret"),
            signing_secret_name=env.text("KAITO_SIGNING_SECRET_NAME", ""),
            insecure_registries=frozenset(env.comma_separated("KAITO_INSECURE_REGISTRIES")),
            registry_ca_file=env.path("KAITO_REGISTRY_CA_FILE", "/mnt/push-secret/ca.crt"),
            registry_ca_name=env.text("KAITO_REGISTRY_CA_NAME", ""),
            overwrite_image=env.flag("KAITO_OVERWRITE_IMAGE", False),
            grpc_port=env.port("KAITO_GRPC_PORT", 29500),
            metrics_port=env.port("KAITO_METRICS_PORT", 9400),
            allow_private_data_hosts=env.flag("KAITO_ALLOW_PRIVATE_DATA_HOSTS", False),
            max_data_bytes=env.integer(
                "KAITO_MAX_DATA_BYTES", 20 * 2**30, minimum=1, maximum=2**60
            ),
            target_modules=env.comma_separated("DEFAULT_TARGET_MODULES"),
            checkpoint_seconds=env.seconds("KAITO_CHECKPOINT_SECONDS", 5, minimum=0.001),
            termination_log=env.path("KAITO_TERMINATION_LOG", TERMINATION_LOG),
            log_level=env.log_level("KAITO_LOG_LEVEL"),
            cpu_bfloat16=has_bfloat16(environ),
            processes=processes,
            node=node,
        )


def _node(env: Environment, processes: int) -> Node | None:
    """None for a node that trains alone.

    Raises:
        SettingError: the number or the address of a node is missing or wrong.
    """
    count = env.integer("KAITO_NODES", 1, minimum=1, maximum=MOST_NODES)
    if count == 1:
        return None
    number = env.integer("KAITO_NODE_RANK", -1, minimum=0, maximum=count - 1)
    host, port = env.parsed("KAITO_RENDEZVOUS", _address, "")
    return Node(number=number, count=count, processes=processes, host=host, port=port)


def _results_dir(env: Environment, node: Node | None) -> Path:
    """Only the first node writes to a volume that all nodes may have mounted."""
    results = env.path("KAITO_RESULTS_DIR", RESULTS_DIR)
    if node is None or node.is_first:
        return results
    return env.path("KAITO_NODE_RESULTS_DIR", str(results))


def _address(text: str) -> tuple[str, int]:
    """Host and port.

    Raises:
        ValueError: the remedy.
    """
    host, _, port = text.rpartition(":")
    if not host:
        host, port = text, str(RENDEZVOUS_PORT)
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise ValueError(f"set where the first node is reached, such as ws-0.ws:{RENDEZVOUS_PORT}")
    return host, int(port)


def _price(text: str) -> float | None:
    """Dollars per hour.

    Raises:
        ValueError: the remedy.
    """
    if not text:
        return None
    try:
        price = float(text)
    except ValueError:
        price = math.nan
    if not 0 <= price < math.inf:
        raise ValueError("set a number of US dollars, at least 0, or leave it out")
    return price
