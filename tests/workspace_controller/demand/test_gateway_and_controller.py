"""The gateway's own reporter against the controller's own server, over gRPC."""

import asyncio
import time

from inference_gateway.demand.recorder import DemandRecorder
from inference_gateway.demand.reporter import DemandReporter
from inference_gateway.request_context import RequestLog
from kaito_kube.store import Store
from tests.waiting import HANG_SECONDS, until
from workspace_controller.demand.current_demand import CurrentDemand
from workspace_controller.demand.server import serving

MODEL = "team/phi"


async def test_a_request_is_known_while_it_lasts_and_counted_when_it_has_ended() -> None:
    demand, recorder = CurrentDemand(), DemandRecorder(time.monotonic)
    async with serving(demand, Store(), 0) as port:
        reporter = DemandReporter(
            f"127.0.0.1:{port}", recorder, time.monotonic, last_report_seconds=HANG_SECONDS
        )
        reporting = asyncio.create_task(reporter.run())
        await until(lambda: demand.sums().is_known)
        with recorder.track(RequestLog(completion_tokens=7)) as request:
            request.sent_to(MODEL)
            await until(lambda: demand.sums().in_flight(MODEL) == 1)
        reporting.cancel()
        await reporter.close()
        await until(lambda: not demand.sums().is_known)
    total = demand.sums().totals[MODEL]
    assert (total.arrived, total.finished, total.completion_tokens) == (1, 1, 7)


async def test_a_controller_that_restarts_gets_everything_again() -> None:
    recorder = DemandRecorder(time.monotonic)
    first, second = CurrentDemand(), CurrentDemand()
    with recorder.track(RequestLog()) as request:
        request.sent_to(MODEL)
        async with serving(first, Store(), 0) as port:
            reporter = DemandReporter(f"127.0.0.1:{port}", recorder, time.monotonic)
            reporting = asyncio.create_task(reporter.run())
            await until(lambda: first.sums().in_flight(MODEL) == 1)
        async with serving(second, Store(), port):
            await until(lambda: MODEL in second.sums().totals)
            assert second.sums().in_flight(MODEL) == 1
            reporting.cancel()
            await reporter.close()
    # It arrived before this controller was there to count.
    assert second.sums().totals[MODEL].arrived == 0
