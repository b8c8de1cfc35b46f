"""Measures what the gateway costs: streams through it, compared with the same streams over gRPC.

Three processes on loopback: a scripted model-server, the gateway, and this client. Each case runs
both ways in turn within one run, so that the ratio is meaningful on any machine.

    python -m benchmarks.gateway [--seconds 3] [--rounds 3]
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import grpc
import uvloop
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc as rpc

DELTAS = 32
# 100 tokens a second and stream.
PACE_SECONDS = 0.010
SERVICE = "kaito.inference.v1.InferenceService"
SendRequest = Callable[[bool], Awaitable[None]]


class Scripted(rpc.InferenceServiceServicer):
    """Streams 32 deltas; for the prompt "paced", 10 ms apart."""

    async def StreamGenerate(  # noqa: N802
        self, request: pb.StreamGenerateRequest, context: Any
    ) -> AsyncGenerator[pb.StreamGenerateResponse, None]:
        pause_seconds = PACE_SECONDS if request.request.prompt == "paced" else 0.0
        for number in range(DELTAS):
            if pause_seconds:
                await asyncio.sleep(pause_seconds)
            yield pb.StreamGenerateResponse(text=f" delta {number}", model="m")
        usage = pb.Usage(prompt_tokens=1, completion_tokens=DELTAS)
        yield pb.StreamGenerateResponse(finish_reason=pb.FINISH_REASON_STOP, usage=usage)

    async def GetModel(  # noqa: N802
        self, request: pb.GetModelRequest, context: Any
    ) -> pb.GetModelResponse:
        return pb.GetModelResponse(model=pb.Model(name="m", has_chat_template=True))

    async def ListAdapters(  # noqa: N802
        self, request: pb.ListAdaptersRequest, context: Any
    ) -> pb.ListAdaptersResponse:
        return pb.ListAdaptersResponse()


async def serve_model() -> None:
    server = grpc.aio.server()
    rpc.add_InferenceServiceServicer_to_server(Scripted(), server)
    healths = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(healths, server)
    await healths.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    await server.start()
    await server.wait_for_termination()


@contextmanager
def child(*arguments: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        env=os.environ | environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


@dataclass(slots=True)
class Measurement:
    seconds: float = 0.0
    durations_seconds: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return len(self.durations_seconds) / self.seconds

    def quantile_ms(self, share: float) -> float:
        ordered = sorted(self.durations_seconds)
        return 1000 * ordered[min(int(len(ordered) * share), len(ordered) - 1)]


async def run_load(
    send_request: SendRequest, streams: int, paced: bool, seconds: float
) -> Measurement:
    """Runs `streams` loops of one request after another for about that many seconds."""
    measurement = Measurement()
    started_at = time.perf_counter()

    async def loop() -> None:
        while (start := time.perf_counter()) < started_at + seconds:
            await send_request(paced)
            measurement.durations_seconds.append(time.perf_counter() - start)

    async with asyncio.TaskGroup() as group:
        for _ in range(streams):
            group.create_task(loop())
    measurement.seconds = time.perf_counter() - started_at
    return measurement


def over_grpc(stub: Any) -> SendRequest:
    async def send_request(paced: bool) -> None:
        request = pb.GenerateRequest(prompt="paced" if paced else "at once")
        call = stub.StreamGenerate(pb.StreamGenerateRequest(request=request), timeout=60)
        count = 0
        while await call.read() is not grpc.aio.EOF:
            count += 1
        assert count == DELTAS + 1, count

    return send_request


def over_gateway(session: aiohttp.ClientSession) -> SendRequest:
    bodies = {
        paced: json.dumps({"prompt": "paced" if paced else "at once", "stream": True}).encode()
        for paced in (False, True)
    }

    async def send_request(paced: bool) -> None:
        async with session.post("/v1/completions", data=bodies[paced]) as response:
            text = await response.read()
        assert text.endswith(b"data: [DONE]\n\n"), text

    return send_request


def cpu_seconds(pid: int) -> float:
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid: int) -> float:
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


CASES = (("1 stream", 1, False), ("32 streams", 32, False), ("256 paced streams", 256, True))


@dataclass(frozen=True, slots=True)
class Round:
    """One case, run both ways, one right after the other."""

    direct: Measurement
    gateway: Measurement
    gateway_cpu_seconds: float

    @property
    def ratio(self) -> float:
        return self.gateway.rate / self.direct.rate

    def line(self) -> str:
        cpu = self.gateway_cpu_seconds / self.gateway.seconds
        microseconds_per_delta = (
            1e6 * self.gateway_cpu_seconds / (len(self.gateway.durations_seconds) * DELTAS)
        )
        return (
            f"{self.direct.rate:>10.0f}{self.gateway.rate:>11.0f}{self.ratio:>7.2f}"
            f"{_quantiles(self.direct):>20}{_quantiles(self.gateway):>21}"
            f"{cpu:>12.0%}{microseconds_per_delta:>14.0f}"
        )


async def compare(
    direct: SendRequest, gateway: SendRequest, pid: int, seconds: float, rounds: int
) -> None:
    print(
        f"{'case':<18}{'direct/s':>10}{'gateway/s':>11}{'ratio':>7}"
        f"{'direct p50/p99 ms':>20}{'gateway p50/p99 ms':>21}"
        f"{'gateway cpu':>12}{'us per delta':>14}"
    )
    for name, streams, paced in CASES:
        done = []
        for _ in range(rounds):
            direct_result = await run_load(direct, streams, paced, seconds)
            cpu_before = cpu_seconds(pid)
            gateway_result = await run_load(gateway, streams, paced, seconds)
            used = cpu_seconds(pid) - cpu_before
            done.append(Round(direct_result, gateway_result, used))
        median = sorted(done, key=lambda each: each.ratio)[len(done) // 2]
        print(f"{name:<18}{median.line()}", flush=True)
    print(f"gateway memory {memory_mib(pid):.0f} MiB; a stream has {DELTAS} deltas")


def _quantiles(measurement: Measurement) -> str:
    return f"{measurement.quantile_ms(0.5):.1f} / {measurement.quantile_ms(0.99):.1f}"


async def measure(model_port: int, gateway_port: int, pid: int, options: Any) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    base = f"http://127.0.0.1:{gateway_port}"
    async with (
        grpc.aio.insecure_channel(f"127.0.0.1:{model_port}") as channel,
        aiohttp.ClientSession(base, connector=connector) as session,
    ):
        direct = over_grpc(rpc.InferenceServiceStub(channel))
        gateway = over_gateway(session)
        # Opens the connections, which are not part of the measurement.
        for send_request in (direct, gateway):
            await run_load(send_request, 8, False, 0.5)
        await compare(direct, gateway, pid, options.seconds, options.rounds)


def read_port(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        if "running on" in line:
            return int(line.split("http://127.0.0.1:")[1].split()[0])
    raise SystemExit("the gateway did not start")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="seconds of load per case and side"
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="rounds per case; the median is shown"
    )
    parser.add_argument("--serve-model", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve_model:
        uvloop.run(serve_model())
        return
    with child("benchmarks.gateway", "--serve-model") as model:
        assert model.stdout is not None
        model_port = int(model.stdout.readline())
        environ = {
            "KAITO_BACKEND": f"127.0.0.1:{model_port}",
            "KAITO_HTTP_HOST": "127.0.0.1",
            "KAITO_HTTP_PORT": "0",
        }
        with child("inference_gateway", **environ) as gateway:
            port = read_port(gateway)
            assert gateway.stdout is not None
            # The gateway would block on a full pipe of log lines.
            log_reader = subprocess.Popen(["cat"], stdin=gateway.stdout, stdout=subprocess.DEVNULL)
            try:
                uvloop.run(measure(model_port, port, gateway.pid, options))
            finally:
                log_reader.kill()
                log_reader.wait()


if __name__ == "__main__":
    main()
