"""How every engine reports its start, and its speed before the first request."""

from pathlib import Path

from prometheus_client import generate_latest

from kaito.inference.v1 import inference_pb2 as pb
from model_server.engine import Engine
from tests.model_server.conftest import Setup, generate_request, running


async def test_the_start_is_reported_by_phase(engine: Engine, adapters_folder: Path) -> None:
    setup = Setup(adapters=adapters_folder, measure_seconds=60.0)
    async with running(engine, setup) as server:
        start = (await server.stub.GetModel(pb.GetModelRequest())).model.start
        phases = {phase.name: phase.seconds for phase in start.phases}
        assert [*phases] == ["load", "warm-up", "adapters"]
        assert min(phases.values()) >= 0
        assert 0 < start.measurement.tokens_per_second <= start.measurement.peak_tokens_per_second
        assert start.measurement.concurrent_answers == 16
        metrics = generate_latest(server.state.metrics.registry).decode()
    prefix = "kaito_model_server_start"
    assert f'{prefix}_phase_seconds{{phase="load"}} {phases["load"]}' in metrics
    assert f'{prefix}_tokens_per_second{{answers="1"}}' in metrics
    assert f'{prefix}_tokens_per_second{{answers="16"}}' in metrics


async def test_measuring_leaves_no_request_behind_and_changes_no_answer(
    engine: Engine, adapters_folder: Path
) -> None:
    async with running(engine, Setup(adapters=adapters_folder, measure_seconds=60.0)) as server:
        assert engine.scheduler_stats().running == 0
        answers = [await server.stub.Generate(generate_request()) for _ in range(2)]
        assert answers[0].choices[0].text == answers[1].choices[0].text != ""
