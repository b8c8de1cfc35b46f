"""Starts the gateway: settings, logs, connections, server."""

import asyncio
import os
import signal
import sys
from types import FrameType

import uvloop

from inference_gateway.backends.grpc_backend import GrpcBackend
from inference_gateway.compose import create_front
from inference_gateway.server import create_server
from inference_gateway.settings import Settings
from kaito_process import logs
from kaito_process.environment import SettingError


def main() -> int:
    try:
        settings = Settings.from_env(os.environ)
    except SettingError as error:
        print(error, file=sys.stderr)
        return 2
    logs.configure(settings.log_level, "inference-gateway")
    # uvicorn raises the signal anew once it has drained: that is then the end, and a good one.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    front = create_front(
        settings, lambda place: GrpcBackend(place.address, settings.connections_per_backend)
    )
    own = {"workspace": settings.workspace, "namespace": settings.namespace}
    with (
        logs.log_context(**{name: value for name, value in own.items() if value}),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(create_server(front, settings).serve())
    return 0


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
