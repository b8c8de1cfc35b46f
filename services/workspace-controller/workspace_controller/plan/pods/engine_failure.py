"""What the end of vLLM's log says about the failure of its container."""

import re
from dataclasses import dataclass

from kaito_api.reasons import REASONS, Reason
from workspace_controller.plan.failure import Failure

# The remedy must fit into the message, too.
_MAX_LINE = 200
_SMALLER = (
    "set a smaller vllm.max-model-len or vllm.max-num-seqs in inference.config, or use larger or "
    "more GPUs"
)


@dataclass(frozen=True, slots=True)
class _Cause:
    """`pattern` matches from where the line starts to make sense to a user."""

    pattern: re.Pattern[str]
    reason: Reason
    remedy: str


def _cause(pattern: str, reason: Reason, remedy: str) -> _Cause:
    return _Cause(re.compile(rf"(?:{pattern})[^\n]*"), reason, remedy)


# In the words of vLLM, PyTorch and the CUDA runtime; the first that matches counts, because later
# ones are often its consequences.
_CAUSES = (
    _cause(r"CUDA out of memory", Reason.OUT_OF_MEMORY, _SMALLER),
    _cause(
        r"No available memory for the cache blocks|[^\n]*(?:larger than the (?:available KV cache "
        r"memory|maximum number of tokens that can be stored)|KV cache is needed)",
        Reason.OUT_OF_MEMORY,
        _SMALLER,
    ),
    _cause(
        r"Free memory on device",
        Reason.OUT_OF_MEMORY,
        "another process uses this GPU: give the pod a GPU of its own, or set a smaller "
        "vllm.gpu-memory-utilization in inference.config",
    ),
    _cause(
        r"No CUDA GPUs are available|Failed to infer device type|[^\n]*libcuda\.so\.1",
        Reason.CONTAINER_CRASHED,
        "the container sees no GPU: check the node's NVIDIA driver, device plugin and container "
        "runtime",
    ),
    _cause(
        r"[^\n]*NVIDIA driver on your system is too old|[^\n]*driver version is insufficient|"
        r"[^\n]*no kernel image is available",
        Reason.CONTAINER_CRASHED,
        "the node's driver or GPU is older than the image's CUDA: upgrade the node image, or set "
        "the chart's workloads.vllm to a build for an older CUDA",
    ),
    _cause(
        r"CUDA error|NCCL error|[^\n]*uncorrectable ECC|[^\n]*illegal memory access",
        Reason.CONTAINER_CRASHED,
        "the container is restarted; if this recurs, the GPU is broken: delete the node's claim",
    ),
    _cause(
        r"error: (?:unrecognized arguments|argument)",
        Reason.CONFIG_INVALID,
        "this version of vLLM does not take the option: change inference.config, or set the "
        "chart's workloads.vllm to the version that this release expects",
    ),
    _cause(
        r"[^\n]*does not support LoRA",
        Reason.CONFIG_INVALID,
        "remove inference.adapters, or set the annotation kaito.sh/runtime to transformers",
    ),
    _cause(
        r"Engine core initialization failed",
        Reason.CONTAINER_CRASHED,
        "kubectl logs with -c engine --previous shows the cause",
    ),
)


def engine_failure(log: str) -> Failure | None:
    """The failure with its remedy; None where the log does not say what went wrong."""
    for cause in _CAUSES:
        if (match := cause.pattern.search(log)) is not None:
            line = " ".join(match.group().split())[:_MAX_LINE].rstrip(".")
            permanent = REASONS[cause.reason].permanent
            return Failure(cause.reason, f"vLLM: {line}; {cause.remedy}", permanent)
    return None
