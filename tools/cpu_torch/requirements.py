"""Removes packages that only a GPU needs from the models lock.

As a script it filters standard input, so that a Dockerfile needs nothing but Python.
"""

import re
import sys

GPU_ONLY = frozenset(
    {
        "cuda-bindings",
        "cuda-pathfinder",
        "cuda-toolkit",
        "nvidia-cublas",
        "nvidia-cuda-cccl",
        "nvidia-cuda-nvrtc",
        "nvidia-cudnn-cu13",
        "nvidia-cufft",
        "nvidia-cufile",
        "nvidia-curand",
        "nvidia-cusolver",
        "nvidia-cusparse",
        "nvidia-cusparselt-cu13",
        "nvidia-nccl-cu13",
        "nvidia-nvjitlink",
        "nvidia-nvshmem-cu13",
        "nvidia-nvtx",
        "triton",
    }
)
_NAME = re.compile(r"^([A-Za-z0-9._-]+)==")


def without_gpu(lock: str) -> str:
    """The lock's text without the GPU-only pins and their hashes."""
    kept: list[str] = []
    keeping = True
    for line in lock.splitlines():
        if match := _NAME.match(line):
            keeping = match.group(1).lower() not in GPU_ONLY
        if keeping:
            kept.append(line)
    return "\n".join(kept) + "\n"


if __name__ == "__main__":
    sys.stdout.write(without_gpu(sys.stdin.read()))
