"""Tokens a second of vLLM through every layer, by the code of `make bench-serving`."""

import asyncio
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.gpu.device import Device, find_gpu
from benchmarks.gpu.part import GIB, Part
from benchmarks.gpu.size import Size
from benchmarks.serving.contenders import GATEWAY, GRPC
from benchmarks.serving.load import measure
from benchmarks.serving.results import Results
from benchmarks.serving.servers import Contest, VllmServer, start_vllm_server
from tools import vllm_server

NAME = "serving"
# Like the controller's, and the rest of the memory is for what else uses the GPU.
_MEMORY_SHARE = 0.84


def check(
    folder: Path, size: Size, device: Device, python: Path, models_python: str, seconds: float
) -> Part:
    """Serve the model in `folder`, and load each way to it in turn, within that time.

    Raises:
        SystemExit: a server does not start, or answers wrongly.
        TimeoutError: the time is over.
    """
    deadline = time.monotonic() + seconds
    wanted = VllmServer(
        environ={**vllm_server.ENVIRON, **device.environ}
        if device.kind != "cpu"
        else vllm_server.environ(),
        python=python,
        models_python=models_python,
        options=_options(size, device),
        start_seconds=seconds,
    )
    with ExitStack() as stack:
        contest = start_vllm_server(stack, folder, folder / "model", wanted)
        results = asyncio.run(_measure(contest, size, deadline - time.monotonic()))
        # vLLM keeps what it has taken, so what is used at the end is the most.
        used = find_gpu().used_bytes - device.used_bytes if device.kind != "cpu" else None
        hops = [f"{name} {hop.peak_mb:.0f} MB" for name, hop in contest.hops.items()]
    # A CPU has no memory of its own.
    memory = [f"GPU {used / GIB:.1f} GiB"] if used is not None else []
    return Part(
        name=NAME,
        lines=(
            *results.lines(),
            f"peak memory: {', '.join([*memory, *hops])}",
        ),
        summary=f"{NAME}: vllm {results.ratio:.2f}x (grpc {results.share(GRPC):.2f}x, "
        f"gateway {results.share(GATEWAY):.2f}x){', peak '.join(['', *memory])}",
    )


async def _measure(contest: Contest, size: Size, seconds: float) -> Results:
    try:
        async with asyncio.timeout(seconds):
            return await measure(contest, size.rounds, size.load)
    except TimeoutError:
        raise TimeoutError("the load of vLLM") from None


def _options(size: Size, device: Device) -> tuple[str, ...]:
    streams = ("--max-num-seqs", str(size.load.streams))
    common = (*streams, "--max-model-len", str(size.context))
    if device.kind == "cpu":
        return common
    return (*common, "--gpu-memory-utilization", str(_MEMORY_SHARE))
