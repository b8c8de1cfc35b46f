"""`python -m tests.soak`: mixed load with faults; exits with 1 if an answer was wrong."""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.processes.service import stop_on_sigterm
from tests.soak.memory import MemoryLog
from tests.soak.outcomes import Outcomes
from tests.soak.run import soak
from tests.soak.world import running_world
from tools.preset_models import store


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=900)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    stop_on_sigterm()
    folder = Path(tempfile.mkdtemp(prefix="kaito-soak-"))
    print(f"seed {options.seed}, logs in {folder}", flush=True)
    outcomes, memory = Outcomes(), MemoryLog()
    asyncio.run(_run(folder, options, outcomes, memory))
    print("\n".join([*memory.lines(), *outcomes.lines()]))
    return 1 if outcomes.failed else 0


async def _run(
    folder: Path, options: argparse.Namespace, outcomes: Outcomes, memory: MemoryLog
) -> None:
    model = await asyncio.to_thread(store.model_folder)
    async with running_world(folder, model) as world:
        end = time.monotonic() + options.seconds
        await soak(
            world, outcomes, memory, seed=options.seed, goes_on=lambda: time.monotonic() < end
        )


if __name__ == "__main__":
    sys.exit(main())
