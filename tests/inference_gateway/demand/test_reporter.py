"""A front door reports to the controller, whatever becomes of either."""

import asyncio
import time
from pathlib import Path

import yaml

from inference_gateway.backends.fake import FakeBackend
from inference_gateway.demand.recorder import DemandRecorder
from inference_gateway.demand.report_stream import ReportStream
from inference_gateway.demand.reporter import DemandReporter
from inference_gateway.request_context import RequestLog
from inference_gateway.settings import Settings
from kaito.demand.v1 import demand_pb2 as pb
from tests.inference_gateway.demand.controller import FakeController, listening
from tests.inference_gateway.running import gateway
from tests.waiting import HANG_SECONDS, until

HELLO = {"model": "n/one", "messages": [{"role": "user", "content": "hello"}]}
GATEWAY = pb.GatewayInstance(name="door-1", epoch="a")


def _stream(port: int, recorder: DemandRecorder, stop: asyncio.Event) -> ReportStream:
    return ReportStream(
        f"127.0.0.1:{port}", GATEWAY, recorder, recorder.clock(), stop, interval_seconds=0.01
    )


def _count(recorder: DemandRecorder, model: str) -> None:
    with recorder.track(RequestLog()) as request:
        request.sent_to(model)


async def test_a_stream_begins_with_all_models_and_goes_on_with_changes() -> None:
    recorder, stop, controller = DemandRecorder(time.monotonic), asyncio.Event(), FakeController()
    _count(recorder, "n/one")
    async with listening(controller) as port:
        reporting = asyncio.create_task(_stream(port, recorder, stop).run())
        await until(lambda: bool(controller.streams and len(controller.streams[0]) > 1))
        _count(recorder, "n/two")
        stop.set()
        await reporting
        await until(lambda: bool(controller.ended))
    (reports,) = controller.streams
    assert [each.model for each in reports[0].models] == ["n/one"]
    changes = [each.model for report in reports[1:] for each in report.models]
    assert changes == ["n/two"]
    assert {(report.gateway.name, report.gateway.epoch) for report in reports} == {("door-1", "a")}
    uptimes = [report.uptime_seconds for report in reports]
    assert uptimes == sorted(uptimes)


async def test_a_stream_that_was_cut_begins_again_with_all_models() -> None:
    recorder, stop, controller = DemandRecorder(time.monotonic), asyncio.Event(), FakeController(1)
    _count(recorder, "n/one")
    async with listening(controller) as port:
        reporting = asyncio.create_task(_stream(port, recorder, stop).run())
        await until(lambda: len(controller.streams) == 2 and bool(controller.streams[1]))
        stop.set()
        await reporting
    assert [each.model for each in controller.streams[1][0].models] == ["n/one"]


async def test_a_reporter_finds_the_controller_by_its_name_and_says_farewell() -> None:
    controller, recorder = FakeController(), DemandRecorder(time.monotonic)
    async with listening(controller) as port:
        reporter = DemandReporter(
            f"127.0.0.1:{port}", recorder, time.monotonic, last_report_seconds=HANG_SECONDS
        )
        running = asyncio.create_task(reporter.run())
        await until(lambda: bool(controller.streams and controller.streams[0]))
        _count(recorder, "n/one")
        running.cancel()
        await reporter.close()
        await until(lambda: bool(controller.ended))
    last = controller.streams[0][-1]
    assert (last.last, last.models[0].finished) == (True, 1)
    assert not any(report.last for report in controller.streams[0][:-1])


async def test_a_controller_that_is_away_delays_neither_requests_nor_the_end(
    tmp_path: Path,
) -> None:
    # Nothing listens on port 1.
    settings = _front_door(tmp_path, "127.0.0.1:1")
    async with (
        gateway(lambda _: FakeBackend(), settings) as client,
        client.post("/v1/chat/completions", json=HELLO) as response,
    ):
        assert response.status == 200


async def test_requests_of_a_front_door_are_reported(tmp_path: Path) -> None:
    controller = FakeController()
    async with listening(controller) as port:
        settings = _front_door(tmp_path, f"127.0.0.1:{port}")
        async with gateway(lambda _: FakeBackend(), settings) as client:
            for body in (HELLO, {**HELLO, "stream": True}, {**HELLO, "model": "nobody"}):
                async with client.post("/v1/chat/completions", json=body) as response:
                    await response.read()
            await until(lambda: [each.finished for each in _last(controller)] == [2])
    (counters,) = _last(controller)
    assert (counters.model, counters.arrived, counters.held) == ("n/one", 2, 0)
    assert counters.completion_tokens > 0
    assert counters.first_tokens == 1


def _last(controller: FakeController) -> list[pb.ModelDemand]:
    """The last counters of each model."""
    reports = controller.streams[-1] if controller.streams else []
    return list({each.model: each for report in reports for each in report.models}.values())


def _front_door(folder: Path, demand_address: str) -> Settings:
    file = folder / "backends.yaml"
    entry = {"model": "phi", "namespace": "n", "workspace": "one", "address": "one:1"}
    file.write_text(yaml.safe_dump({"backends": [entry]}))
    return Settings(backends_file=file, demand_address=demand_address)
