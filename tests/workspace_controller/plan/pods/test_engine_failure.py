"""What a user reads when vLLM's container ends."""

import pytest

from tests.workspace_controller.given import NOW, container, pod
from workspace_controller.plan.failure import Failure
from workspace_controller.plan.pods.failure import pod_failure


def failure(log: str, *, code: int = 1, name: str = "engine") -> Failure:
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off"}
    ended = {"exitCode": code, "message": log}
    crashed = pod("inference", initContainerStatuses=[container(name, waiting=waiting, last=ended)])
    found = pod_failure(crashed, NOW, serves=True)
    assert isinstance(found, Failure)
    return found


# Lines of vLLM 0.33, PyTorch and the CUDA runtime.
OUT_OF_MEMORY = """(EngineCore pid=81) ERROR 11-28 12:00:00 [core.py:936]
torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.17 GiB. GPU 0 has a total capacity
"""
NO_CACHE = (
    "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization`"
)
TOO_LONG = (
    "ValueError: To serve at least one request with the model's max seq len (131072), (16.0 GiB KV "
    "cache is needed, which is larger than the available KV cache memory (4.2 GiB)."
)
USED = "ValueError: Free memory on device cuda:0 (2.1/79.3 GiB) on startup is less than desired"
OLD_DRIVER = "RuntimeError: The NVIDIA driver on your system is too old (found version 12020)."
BROKEN = "torch.AcceleratorError: CUDA error: uncorrectable ECC error encountered"
NO_GPU = "RuntimeError: No CUDA GPUs are available"
UNKNOWN_OPTION = "api_server.py: error: unrecognized arguments: --new-option=1"
NO_LORA = "ValueError: DeepseekV4ForCausalLM does not support LoRA yet."
ABOVE = "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s)"


@pytest.mark.parametrize(
    ("log", "reason", "permanent", "line", "remedy"),
    [
        (OUT_OF_MEMORY, "OutOfMemory", True, "CUDA out of memory. Tried to", "vllm.max-model-len"),
        (NO_CACHE, "OutOfMemory", True, "No available memory for the cache", "vllm.max-num-seqs"),
        (TOO_LONG, "OutOfMemory", True, "max seq len (131072)", "vllm.max-model-len"),
        (USED, "OutOfMemory", True, "Free memory on device cuda:0", "another process uses"),
        (OLD_DRIVER, "ContainerCrashed", False, "driver on your system", "upgrade the node image"),
        (BROKEN, "ContainerCrashed", False, "uncorrectable ECC", "the GPU is broken"),
        (NO_GPU, "ContainerCrashed", False, "No CUDA GPUs", "device plugin"),
        (UNKNOWN_OPTION, "ConfigInvalid", True, "--new-option=1", "workloads.vllm"),
        (NO_LORA, "ConfigInvalid", True, "does not support LoRA", "kaito.sh/runtime"),
        (ABOVE, "ContainerCrashed", False, "See root cause above", "-c engine --previous"),
    ],
)
def test_known_failures_of_the_engine_have_a_remedy(
    log: str, reason: str, permanent: bool, line: str, remedy: str
) -> None:
    found = failure(log)
    assert (found.reason, found.permanent) == (reason, permanent)
    assert found.message.startswith("vLLM: ") and line in found.message and remedy in found.message
    assert len(found.message) <= 512


def test_the_root_cause_counts_and_not_what_follows_from_it() -> None:
    assert failure(f"{OUT_OF_MEMORY}\n{ABOVE}").reason == "OutOfMemory"


def test_another_failure_has_the_end_of_the_log() -> None:
    found = failure("ValueError: unheard-of")
    assert found.message == "container engine failed with exit code 1: ValueError: unheard-of"


def test_another_container_is_not_taken_for_the_engine() -> None:
    assert failure(OUT_OF_MEMORY, name="model-download").reason == "ContainerCrashed"


def test_an_engine_that_ends_without_an_error_has_failed() -> None:
    sidecar = pod(
        "inference", initContainerStatuses=[container("engine", terminated={"exitCode": 0})]
    )
    sidecar["spec"] = {"initContainers": [{"name": "engine", "restartPolicy": "Always"}]}
    found = pod_failure(sidecar, NOW, serves=True)
    assert isinstance(found, Failure) and "a server must not end" in found.message
    once = pod("inference", initContainerStatuses=[container("copy", terminated={"exitCode": 0})])
    assert pod_failure(once, NOW, serves=True) is None


def test_the_log_of_a_users_own_engine_is_not_read_as_that_of_vllm() -> None:
    log = "RuntimeError: CUDA out of memory."
    ended = [container("engine", terminated={"exitCode": 1, "message": log})]
    own = pod("inference", initContainerStatuses=ended)
    server = {"name": "model-server", "env": [{"name": "KAITO_ENGINE", "value": "openai"}]}
    sidecar = {"name": "engine", "restartPolicy": "Always"}
    own["spec"] = {"initContainers": [sidecar], "containers": [{"name": "logs"}, server]}
    found = pod_failure(own, NOW, serves=True)
    assert isinstance(found, Failure)
    assert found.message == f"container engine failed with exit code 1: {log}"
