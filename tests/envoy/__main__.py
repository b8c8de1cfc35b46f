"""Sends requests through a real Envoy that asks the front door's endpoint picker.

python -m tests.envoy
"""

import asyncio
import sys
import tempfile
import traceback
from pathlib import Path

from benchmarks.gateway import programs
from tests.envoy.checks import CHECKS
from tests.envoy.world import World, running


async def run(folder: Path) -> int:
    """Prints what each check found; the number of those that failed."""
    async with running(folder) as world:
        failures = [name for name, _ in CHECKS if not await _passes(name, world)]
    print(f"\n{len(CHECKS) - len(failures)} of {len(CHECKS)} hold")
    return len(failures)


async def _passes(name: str, world: World) -> bool:
    try:
        found = await dict(CHECKS)[name](world)
    except Exception:
        print(f"{name:<20}FAILED\n{traceback.format_exc()}", flush=True)
        return False
    print(f"{name:<20}{found}", flush=True)
    return True


def main() -> int:
    """The exit code: 1 if a check failed."""
    programs.FOLDER.mkdir(parents=True, exist_ok=True)
    print(f"{programs.ENVOY}, ext_proc, endpoint picker protocol 1.0.0\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        return 1 if asyncio.run(run(Path(folder))) else 0


if __name__ == "__main__":
    sys.exit(main())
