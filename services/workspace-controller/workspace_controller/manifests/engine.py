"""The container of vLLM's own server, beside the model-server in a model's pod."""

from collections.abc import Mapping

from kaito_kube.kinds import Manifest
from workspace_controller.manifests.pods import Files, container, with_gpus
from workspace_controller.settings import PodSettings
from workspace_controller.vllm.command import SINGLE_SERVER

ENGINE = "engine"
# Shared memory through which NCCL and vLLM's processes talk, for each GPU; vLLM's own manifests
# have 2 GiB for one.
_SHARED_MEMORY_GIB = 2
# vLLM's image runs as root, and libraries look for the name of the user that it does not know.
_ENV = {
    "USER": "kaito",
    "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
}
_SERVE = ("vllm", "serve")
# Where the engines of several nodes find each other. vLLM's own choice is the port on which the
# adapters of model-server are administered, in the same pod.
GROUP_PORT = 29600
# The first node serves; the others compute for it, and have no server.
_SERVE_TOGETHER = f"""
set -- "$@" --nnodes="$KAITO_NODES" --node-rank="$KAITO_NODE_RANK"
set -- "$@" --master-addr="$KAITO_LEADER" --master-port={GROUP_PORT}
if [ "$KAITO_NODE_RANK" = 0 ]; then set -- "$@" {SINGLE_SERVER}; else set -- "$@" --headless; fi
exec vllm serve "$@"
"""


def engine_container(
    settings: PodSettings,
    arguments: tuple[str, ...],
    files: Files,
    gpus: Mapping[str, str],
    group: tuple[Manifest, ...] = (),
) -> Manifest:
    """A sidecar: the kubelet starts it first, and ends it after the containers that it serves.

    `group` are the variables of a pod that serves together with others.
    """
    environment = Files(mounts=files.mounts, env=(*files.env, *group))
    several = ("/bin/sh", "-c", _SERVE_TOGETHER, "vllm")
    return {
        **with_gpus(container(ENGINE, settings, _ENV, environment), gpus),
        "restartPolicy": "Always",
        "command": list(several if group else _SERVE),
        "args": list(arguments),
    }


def shared_memory(gpu_count: int) -> str:
    """The size of /dev/shm."""
    return f"{_SHARED_MEMORY_GIB * max(1, gpu_count)}Gi"
