"""A service writes nothing but its own logs to stderr, whatever gRPC has to tell."""

import subprocess
import sys

import pytest

# In a process of its own: gRPC reads its settings once, and writes to the process's stderr.
_STARTS_PROGRAMS = """
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

_LOSES_ITS_PEER = """
import asyncio, grpc, uvloop
from kaito_grpc.channels import open_channel
from kaito_grpc.servers import create_server

async def serve():
    server = create_server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with open_channel(f"127.0.0.1:{port}") as channel:
        await channel.channel_ready()
        await server.stop(None)
        while channel.get_state() is grpc.ChannelConnectivity.READY:
            await channel.wait_for_state_change(grpc.ChannelConnectivity.READY)

uvloop.run(serve())
"""


@pytest.mark.parametrize("program", [_STARTS_PROGRAMS, _LOSES_ITS_PEER])
@pytest.mark.parametrize(
    "package", ["inference_gateway", "model_server", "tuner", "workspace_controller"]
)
def test_a_service_prints_nothing_of_grpc(package: str, program: str) -> None:
    path = ":".join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", f"import {package}{program}"],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")
