"""vLLM's metrics are on our port, and its load is ours."""

import asyncio

import pytest
from aiohttp import web
from prometheus_client import generate_latest

from model_server.engine import SchedulerStats
from model_server.metrics import LoadedAdapters, Metrics
from model_server.vllm.engine_metrics import EngineMetrics
from tests.model_server.openai_server.double import listening

# As vLLM 0.32.0 wrote them, with two copies of the model (--data-parallel-size 2).
_TEXT = """
# HELP process_resident_memory_bytes Resident memory size in bytes.
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 6.0e+08
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="tiny"} 2.0
vllm:num_requests_running{engine="1",model_name="tiny"} 1.0
# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="tiny"} 5.0
# HELP vllm:kv_cache_usage_perc KV-cache usage. 1 means 100 percent usage.
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="tiny"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="tiny"} 0.5
# HELP vllm:prompt_tokens_total Number of prefill tokens processed.
# TYPE vllm:prompt_tokens_total counter
vllm:prompt_tokens_total{engine="0",model_name="tiny"} 84.0
"""


def _stats() -> SchedulerStats:
    return SchedulerStats(running=7, waiting=8, kv_cache_usage=0.75)


async def _scrape(text: str, status: int = 200) -> list[str]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=text, status=status)

    application = web.Application()
    application.router.add_get("/metrics", answer)
    async with listening(application) as url:
        metrics = Metrics(_stats, EngineMetrics(url).read)
        return (await asyncio.to_thread(generate_latest, metrics.registry)).decode().splitlines()


async def test_vllms_metrics_are_relayed_and_are_the_load() -> None:
    lines = await _scrape(_TEXT)
    assert 'vllm:num_requests_running{engine="1",model_name="tiny"} 1.0' in lines
    assert 'vllm:prompt_tokens_total{engine="0",model_name="tiny"} 84.0' in lines
    assert "kaito_model_server_batch_size 3.0" in lines
    assert "kaito_model_server_queue_length 5.0" in lines
    assert "kaito_model_server_kv_cache_used_ratio 0.5" in lines
    # Memory is that of our process.
    assert "process_resident_memory_bytes 6.0e+08" not in lines


@pytest.mark.parametrize(("text", "status"), [("", 503), ("}{ no metrics", 200), ("", 200)])
async def test_a_server_without_metrics_takes_nothing_away(text: str, status: int) -> None:
    lines = await _scrape(text, status)
    assert "kaito_model_server_batch_size 7.0" in lines
    assert "vllm:num_requests_waiting 8.0" in lines


def test_pickers_find_the_load_of_every_engine_under_their_names() -> None:
    lines = generate_latest(Metrics(_stats).registry).decode().splitlines()
    for line in (
        "vllm:num_requests_running 7.0",
        "vllm:num_requests_waiting 8.0",
        "vllm:kv_cache_usage_perc 0.75",
        "kaito_model_server_queue_length 8.0",
    ):
        assert line in lines


def test_pickers_find_the_adapters_of_every_engine_under_their_name() -> None:
    def adapters() -> LoadedAdapters:
        return LoadedAdapters(("style", "tone"), most=16)

    text = generate_latest(Metrics(_stats, adapters=adapters).registry).decode()
    labels = 'max_lora="16",running_lora_adapters="style,tone",waiting_lora_adapters=""'
    assert f"vllm:lora_requests_info{{{labels}}} " in text


async def test_vllms_own_list_of_adapters_is_the_only_one() -> None:
    own = 'vllm:lora_requests_info{max_lora="2",running_lora_adapters="a"} 5.0'
    lines = await _scrape(f"# TYPE vllm:lora_requests_info gauge\n{own}\n")
    assert [line for line in lines if line.startswith("vllm:lora_requests_info")] == [own]
