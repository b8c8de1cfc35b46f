"""The memory of the GPUs that this process trains on."""

import torch

from tuner.reporting.tuning_run import GpuMemory


def measure_gpu_memory() -> GpuMemory | None:
    """The memory of the GPU whose peak is nearest to its limit; None without a GPU."""
    if not torch.cuda.is_available():
        return None
    measured = [
        GpuMemory(
            torch.cuda.max_memory_allocated(index),
            torch.cuda.get_device_properties(index).total_memory,
        )
        for index in range(torch.cuda.device_count())
    ]
    return max(measured, key=lambda gpu: gpu.peak_bytes / gpu.total_bytes, default=None)
