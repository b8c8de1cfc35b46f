"""Runs the double of text-generation-server in a pod: python -m tests.e2e.tgi_server PORT."""

import asyncio
import signal
import sys

from tests.model_server.text_generation_server.double import TextGenerationServerDouble


async def main(port: int) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with TextGenerationServerDouble().running(port) as server:
        print(f"listening at {server.url}", flush=True)
        # An answer that breaks the published document ends the process: the pod is then not ready.
        while not (server.violations or ended.is_set()):
            await asyncio.sleep(0.5)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
