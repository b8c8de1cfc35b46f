"""Modules of this package as processes of their own, with pipes to and from them."""

import asyncio
import os
import sys
from contextlib import suppress


async def start(module: str) -> asyncio.subprocess.Process:
    """Run a module in a process of its own.

    Raises:
        OSError: the process does not start.
    """
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "TOKENIZERS_PARALLELISM": "0"},
        # A signal from the terminal is for the server, which ends this process itself.
        start_new_session=True,
    )


async def kill(process: asyncio.subprocess.Process | None) -> None:
    """Kill a process, if there is one, whatever it is doing."""
    if process is None:
        return
    with suppress(ProcessLookupError):
        process.kill()
    if process.stdin:
        process.stdin.close()
    await process.wait()
