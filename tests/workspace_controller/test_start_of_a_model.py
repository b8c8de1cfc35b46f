"""The start of a model in the status, in an Event and in the metrics, over the whole controller."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from kaito_api import labels
from kaito_kube import kinds
from kaito_skus.prices import PriceBook
from tests.workspace_controller.given import inference_workspace, settings
from tests.workspace_controller.harness import Environment
from workspace_controller.metrics import StoreCollector
from workspace_controller.observed import Measurement, ModelStart
from workspace_controller.settings import PodSettings

MEASURED = Measurement(
    engine="fake", tokens_per_second=38.0, peak_tokens_per_second=400.0, concurrent_answers=16
)
REPORT = ModelStart({"load": 65.0, "warm-up": 2.0}, MEASURED)


def notes(environment: Environment) -> list[str]:
    events = environment.cluster.objects(kinds.EVENT)
    return [event["note"] for event in events if event["reason"] == "ModelStarted"]


async def started() -> Environment:
    environment = Environment()
    environment.replica.models.report = REPORT
    environment.apply(inference_workspace())
    await environment.settle()
    return environment


async def test_it_is_recorded_and_told_once() -> None:
    environment = await started()
    status = environment.workspace()["status"]
    assert status["startup"]["loadSeconds"] == 65
    assert status["performance"]["metrics"]["tokensPerSecond"]["value"] == "38.0"
    (note,) = notes(environment)
    assert note.startswith("pod ws-1 answers after ")
    assert note.endswith("load 1m05s, warm-up 2s; 38.0 tokens/s for one answer alone")
    environment.replica = environment.new_replica()
    await environment.settle()
    assert environment.replica.models.addresses == []
    assert environment.workspace()["status"] == status and len(notes(environment)) == 1


async def test_a_pod_that_answers_later_is_recorded_then() -> None:
    environment = Environment()
    environment.replica.models.report = None
    environment.apply(inference_workspace())
    await environment.settle()
    assert "startup" not in environment.workspace()["status"]
    environment.replica.models.report = REPORT
    assert await environment.replica.reconciler.reconcile(kinds.Key("team", "ws")) is None
    assert environment.workspace()["status"]["startup"]["loadSeconds"] == 65


async def test_the_pod_of_an_update_has_its_own_record() -> None:
    environment = await started()
    environment.settings = settings(model_server=PodSettings(image="registry.local/other:2"))
    environment.replica = environment.new_replica()
    environment.replica.models.report = ModelStart({"load": 9.0})
    await environment.settle(60)
    status = environment.workspace()["status"]
    assert status["startup"]["pod"] == "ws-2" and status["startup"]["loadSeconds"] == 9
    assert "warmUpSeconds" not in status["startup"] and "performance" not in status
    assert len(notes(environment)) == 2


async def test_metrics_have_the_phases_of_each_workspace() -> None:
    environment = await started()
    environment.replica.look()
    registry = CollectorRegistry()
    registry.register(StoreCollector(environment.replica.store, environment.clock, PriceBook))
    text = generate_latest(registry).decode()
    own = 'namespace="team",phase="{}",workspace="ws"'
    for phase, seconds in (("load", 65.0), ("warmUp", 2.0)):
        assert f"kaito_workspace_startup_seconds{{{own.format(phase)}}} {seconds}" in text
    rate = 'kaito_workspace_tokens_per_second{namespace="team",workspace="ws"} 38.0'
    assert rate in text


@pytest.mark.parametrize(("text", "expected"), [("true", "0"), ("True", "0"), ("false", None)])
async def test_the_annotation_of_kaito_turns_the_measurement_off(
    text: str, expected: str | None
) -> None:
    environment = Environment()
    annotations = {labels.DISABLE_BENCHMARK: text}
    environment.apply(inference_workspace(annotations=annotations))
    await environment.settle()
    (deployment,) = environment.cluster.objects(kinds.DEPLOYMENT)
    server = deployment["spec"]["template"]["spec"]["containers"][0]
    env = {each["name"]: each.get("value") for each in server["env"]}
    assert env.get("KAITO_MEASURE_SECONDS") == expected


async def test_turning_it_off_later_waits_for_no_rollout() -> None:
    environment = await started()
    patch = {"metadata": {"annotations": {labels.DISABLE_BENCHMARK: "true"}}}
    environment.cluster.change(kinds.WORKSPACE, kinds.Key("team", "ws"), patch)
    before = environment.cluster.objects(kinds.DEPLOYMENT)[0]["metadata"]["annotations"]
    await environment.settle()
    after = environment.cluster.objects(kinds.DEPLOYMENT)[0]["metadata"]["annotations"]
    # A change of its user: the digest of the Workspace's own part differs.
    assert before[labels.INPUTS] != after[labels.INPUTS]
