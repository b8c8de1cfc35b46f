"""Measures engines behind the model-server beside their own servers.

The transformers engine beside `transformers serve` with continuous batching, and vLLM for CPUs
through gRPC and through the gateway beside vLLM's own OpenAI server. All have one model, the same
threads and the same load, on loopback. The ways to an engine are loaded in turn, round by round, so
that what else the machine does meets all of them.

    python -m benchmarks.serving [--rounds 5]
"""

import argparse
import asyncio
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks.serving.load import Load, measure
from benchmarks.serving.results import Results
from benchmarks.serving.servers import Contest, make_model, start_transformers, start_vllm
from tools import vllm_server


def run(
    start: Callable[[ExitStack, Path, Path, int], Contest], model: Path, rounds: int, threads: int
) -> Results:
    """Start an engine, measure it and end it, before the next one takes the machine."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        results = asyncio.run(measure(start(stack, folder, model, threads), rounds, Load()))
    print(*results.lines(), "", sep="\n", flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds; the medians are shown")
    parser.add_argument("--threads", type=int, default=1, help="compute threads of each server")
    parser.add_argument("--only", choices=("transformers", "vllm"), help="one engine")
    options = parser.parse_args()
    starts = {"transformers": start_transformers, "vllm": start_vllm}
    found = []
    with tempfile.TemporaryDirectory() as folder:
        model = make_model(Path(folder))
        for name, start in starts.items():
            if options.only not in (None, name):
                continue
            if name == "vllm" and not vllm_server.PYTHON.exists():
                found.append("vllm skipped: make venv-vllm installs it")
                continue
            results = run(start, model, options.rounds, options.threads)
            found.append(f"{name} {results.ratio:.2f}x")
    print(f"serving: {', '.join(found)}")


if __name__ == "__main__":
    main()
