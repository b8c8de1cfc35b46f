"""`python -m tests.fuzz`: fuzzes all services over gRPC and both kinds of gateway over HTTP."""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.fuzz import canary
from tests.fuzz.grpc_fuzzer import GrpcFuzzer
from tests.fuzz.http_fuzzer import fuzz_gateways
from tests.fuzz.stack import WORKSPACES, Stack, running_stack
from tests.fuzz.tally import Finding, Tally
from tests.fuzz.targets import model_server_target, tuner_target
from tests.processes.service import stop_on_sigterm
from tools.preset_models import store

# The tuner's contract is small.
_TUNER_SHARE = 0.2


def main() -> int:
    options = _arguments()
    stop_on_sigterm()
    folder = Path(tempfile.mkdtemp(prefix="kaito-fuzz-"))
    print(f"seed {options.seed}, logs in {folder}", flush=True)
    tally = asyncio.run(_run(options, folder))
    print("\n".join(tally.lines()))
    asked = ", ".join(f"{name} {count}" for name, count in sorted(tally.canaries.items()))
    print(f"canaries asked: {asked}")
    print(f"fuzz: {tally.cases} cases, {len(tally.findings)} findings, seed {options.seed}")
    return 1 if tally.findings else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="for all fuzzers together")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6) * 1000)
    parser.add_argument("--only", choices=("grpc", "http"), help="leave the other one out")
    parser.add_argument("--rounds", type=int, help="of gRPC calls, instead of the seconds")
    return parser.parse_args()


async def _run(options: argparse.Namespace, folder: Path) -> Tally:
    tally = Tally()
    async with running_stack(folder, await asyncio.to_thread(store.model_folder)) as stack:
        await asyncio.to_thread(_fuzz, stack, options, folder, tally)
    return tally


def _fuzz(stack: Stack, options: argparse.Namespace, folder: Path, tally: Tally) -> None:
    seconds = options.seconds if options.only else options.seconds / 2
    with canary.watching(canaries(stack), tally):
        if options.only != "http":
            for target, share in (
                (model_server_target(stack.model_server), 1 - _TUNER_SHARE),
                (tuner_target(stack.tuner), _TUNER_SHARE),
            ):
                goes_on = _until(seconds * share, options.rounds)
                GrpcFuzzer(target, tally).run(options.seed, goes_on)
        if options.only != "grpc":
            tally.merge(fuzz_gateways(stack.models, folder, seed=options.seed, seconds=seconds))
    examine(stack, tally)


def examine(stack: Stack, tally: Tally) -> None:
    """A process that ended is found, and what it logged as an error, which no client may cause."""
    for service in stack.services:
        if service.exit_code is not None:
            tally.add(Finding(service.name, f"exited with {service.exit_code}"))
        for error in service.errors():
            tally.add(Finding(service.name, f"logged {error}"))


def canaries(stack: Stack) -> Mapping[str, canary.Ask]:
    """Healthy requests to every process, of the base model and of an adapter."""
    address = stack.model_server.address
    return {
        "model-server": canary.model_server(address, ""),
        "adapter": canary.model_server(address, canary.ADAPTER),
        "sidecar": canary.gateway(stack.sidecar.url, canary.ADAPTER),
        "front door": canary.gateway(stack.front_door.url, WORKSPACES[0]),
        "tuner": canary.tuner(stack.tuner.address),
    }


def _until(seconds: float, rounds: int | None) -> Callable[[int], bool]:
    if rounds is not None:
        return lambda number: number < rounds
    end = time.monotonic() + seconds
    return lambda _: time.monotonic() < end


if __name__ == "__main__":
    sys.exit(main())
