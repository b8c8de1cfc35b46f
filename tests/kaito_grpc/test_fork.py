"""A service that starts another program writes nothing but its own logs."""

import subprocess
import sys

# In a process of its own: gRPC reads its settings once, and writes to the process's stderr.
_SERVICE = """
import asyncio, sys, uvloop
from kaito_grpc.channels import open_channel
from kaito_grpc.servers import create_server

async def serve():
    server = create_server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with open_channel(f"127.0.0.1:{port}") as channel:
        await channel.channel_ready()
        for _ in range(3):
            program = await asyncio.create_subprocess_exec(sys.executable, "-c", "pass")
            await program.wait()
    await server.stop(None)

uvloop.run(serve())
"""


def test_starting_a_program_prints_nothing() -> None:
    path = ":".join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", _SERVICE],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")
