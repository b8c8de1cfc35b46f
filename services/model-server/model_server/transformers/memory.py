"""The memory that the model has used at most."""

import resource

import torch

from model_server.engine import MemoryUse


def peak_memory() -> MemoryUse:
    """Of all GPUs together, or of this process if there is none."""
    if not torch.cuda.is_available():
        # Linux counts it in KiB.
        return MemoryUse(peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    devices = range(torch.cuda.device_count())
    return MemoryUse(
        peak_bytes=sum(torch.cuda.max_memory_allocated(device) for device in devices),
        total_bytes=sum(torch.cuda.get_device_properties(d).total_memory for d in devices),
    )
