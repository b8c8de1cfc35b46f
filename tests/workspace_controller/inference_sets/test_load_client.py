"""The requests in flight of a pod, from the metrics of its model-server."""

import pytest
from aiohttp import web

from workspace_controller.inference_sets.load_client import HttpLoadClient, load_of

_METRICS = """\
# HELP vllm:num_requests_running Requests that generate.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{model_name="phi"} 3.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{model_name="phi"} 2.0
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 9.5
"""


def test_running_and_waiting_requests_are_added() -> None:
    assert load_of(_METRICS) == 5


def test_a_pod_without_these_metrics_says_nothing() -> None:
    assert load_of("# TYPE up gauge\nup 1.0\n") is None


# Many models and adapters: the page comes in several parts, and the load stands in the last.
_LONG = "# TYPE other gauge\n" + "".join(f'other{{n="{n}"}} 1.0\n' for n in range(5_000)) + _METRICS


@pytest.mark.parametrize(
    ("body", "requests"),
    [(_METRICS, 5), (_LONG, 5), (_LONG * 12, None), ("<html>", None), ("", None)],
    ids=["short", "long", "too long", "no metrics", "empty"],
)
async def test_it_is_read_over_http(body: str, requests: int | None) -> None:
    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text=body)

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        client = HttpLoadClient(port=runner.addresses[0][1])
        assert await client.requests("127.0.0.1") == requests
    finally:
        await runner.cleanup()


async def test_a_pod_that_does_not_answer_says_nothing() -> None:
    # Nothing listens at port 1.
    assert await HttpLoadClient(port=1).requests("127.0.0.1") is None
