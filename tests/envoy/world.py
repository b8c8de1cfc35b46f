"""Envoy, the picker and the pods, running."""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from benchmarks.gateway import programs
from benchmarks.process import Process, free_port, program
from inference_gateway.backends.backend import Health
from inference_gateway.backends.fake import FakeBackend
from tests.envoy.configuration import Listener, configuration
from tests.envoy.pods import HOSTS, NAMES, pods
from tests.inference_gateway.picker_client import PickerClient, picker
from tests.waiting import until
from tools.local_cluster.processes.daemons import tail

STREAMED, BUFFERED, TWO, NONE = "streamed", "buffered", "two offered", "none offered"


@dataclass(frozen=True, slots=True)
class World:
    """What a check needs: the listeners' addresses, the picker, and the model-servers."""

    client: aiohttp.ClientSession
    urls: dict[str, str]
    picker: PickerClient
    scripts: dict[str, FakeBackend]

    async def set_health(self, health: Health) -> None:
        """Makes all model-servers say so; returns once the picker's probes have noticed."""
        for script in self.scripts.values():
            script.health_now = health
        endpoints = self.picker.pool.endpoints
        await until(lambda: all(each.health == health for each in endpoints))


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[World]:
    """A world whose Envoy answers.

    Raises:
        MissingProgram: Envoy cannot be had here.
    """
    binary = programs.envoy()
    scripts = {name: FakeBackend() for name in NAMES}
    for name, script in scripts.items():
        script.loaded.pod_address = HOSTS[name]
    async with (
        pods(NAMES) as port,
        picker(scripts, port=port, hold_seconds=30) as asked,
        aiohttp.ClientSession() as client,
    ):
        offered = [f"{HOSTS[name]}:{port}" for name in ("two", "four")]
        listeners = {
            STREAMED: Listener(free_port()),
            BUFFERED: Listener(free_port(), body_mode="BUFFERED"),
            TWO: Listener(free_port(), subset=offered),
            NONE: Listener(free_port(), subset=["127.9.9.9:1"]),
        }
        config = folder / "envoy.json"
        config.write_text(json.dumps(configuration(list(listeners.values()), asked.port)))
        argv = (str(binary), "-c", str(config), "--concurrency", "1", "--use-dynamic-base-id")
        log = folder / "envoy.log"
        with program(log, (*argv, "--log-level", "warning"), {}) as process:
            for listener in listeners.values():
                if not await _listens(listener.port, process):
                    raise programs.MissingProgram("envoy", f"it ends at once: {tail(log)}")
            urls = {name: f"http://127.0.0.1:{each.port}" for name, each in listeners.items()}
            yield World(client, urls, asked, scripts)


async def _listens(port: int, process: Process) -> bool:
    """Waits for the port; False if the process has ended."""
    await until(lambda: not process.is_running or _is_open(port))
    return process.is_running


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
