"""What the operator sets about adapters is no change of a user, whichever way it goes."""

from dataclasses import replace
from typing import Any

import pytest

from kaito_api import labels
from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import (
    claim,
    inference,
    inference_workspace,
    observation,
    own_node,
    settings,
    stored,
)
from workspace_controller.observed import OngoingUpdate
from workspace_controller.plan.nodes.provisioning import decide_nodes
from workspace_controller.plan.plan import Apply, Turn
from workspace_controller.plan.serving.workload import ServingPlan, decide_serving
from workspace_controller.settings import AdapterDelivery, EngineChoice, Settings

AUTO = settings(administration_key="key")
PULL = replace(AUTO, adapter_delivery=AdapterDelivery.PULL)
MOUNT = replace(AUTO, adapter_delivery=AdapterDelivery.MOUNT)
NO_KEY = replace(AUTO, administration_key="")
VLLM, TRANSFORMERS, BY_THE_OPERATOR = "vllm", "transformers", ""


def image(name: str, **source: Any) -> Manifest:
    return {"source": {"name": name, "image": f"r.io/{name}:1", **source}}


A, B = image("a", imagePullSecrets=["pull"]), image("b", imagePullSecrets=["pull"])
OPEN = image("open")


def decided(
    adapters: list[Manifest],
    given: Settings,
    runtime: str,
    present: Manifest | None = None,
    *,
    turns: bool = True,
) -> ServingPlan:
    """`turns`: another model is being updated, so that only a user's change is applied."""
    manifest = stored(inference_workspace(inference=inference(adapters=adapters)))
    if runtime:
        manifest["metadata"].setdefault("annotations", {})[labels.RUNTIME] = runtime
    other = OngoingUpdate(manifest["metadata"]["name"], failed=False) if turns else None
    observed = observation(
        manifest,
        settings=given,
        nodes=(own_node(),),
        claims=(claim(0, Ready="True/Ready/"),),
        deployment=present,
        other_update=other,
    )
    assert observed.spec is not None
    return decide_serving(observed, observed.spec, decide_nodes(observed, observed.spec, 1), None)


def made(adapters: list[Manifest], given: Settings, runtime: str) -> Manifest:
    """The workload that serves, as this release creates it."""
    (action,) = decided(adapters, given, runtime).actions
    assert isinstance(action, Apply)
    status = {"readyReplicas": 1, "updatedReplicas": 1, "replicas": 1, "observedGeneration": 1}
    metadata = {**action.manifest["metadata"], "generation": 1}
    return {**action.manifest, "metadata": metadata, "status": status}


def is_replaced_at_once(plan: ServingPlan, present: Manifest) -> bool:
    now = [a.manifest for a in plan.actions if isinstance(a, Apply) and a.kind.kind == "Deployment"]
    revision = present["metadata"]["annotations"][labels.REVISION]
    return any(each["metadata"]["annotations"][labels.REVISION] != revision for each in now)


FLIPS = {
    "pull to mount": ([A], PULL, MOUNT),
    "mount to pull": ([A], MOUNT, PULL),
    "auto to mount": ([A], AUTO, MOUNT),
    "pull to auto, and no Secret": ([OPEN], PULL, AUTO),
    "auto to pull, and no Secret": ([OPEN], AUTO, PULL),
    "the key is gone": ([A, B], PULL, NO_KEY),
}


@pytest.mark.parametrize("runtime", [VLLM, TRANSFORMERS])
@pytest.mark.parametrize(("adapters", "before", "now"), FLIPS.values(), ids=FLIPS)
def test_a_setting_of_the_operator_replaces_models_in_turn(
    adapters: list[Manifest], before: Settings, now: Settings, runtime: str
) -> None:
    present = made(adapters, before, runtime)
    waiting = decided(adapters, now, runtime, present)
    assert not is_replaced_at_once(waiting, present)
    assert waiting.turn is Turn.WAITS
    assert decided(adapters, now, runtime, present, turns=False).turn is Turn.TAKES


@pytest.mark.parametrize("known", [True, False], ids=["recorded", "of an earlier release"])
@pytest.mark.parametrize("runtime", [VLLM, TRANSFORMERS])
def test_an_adapter_that_came_while_pods_pull_is_no_change_when_they_mount(
    runtime: str, known: bool
) -> None:
    present = made([A], PULL, runtime)
    if not known:
        del present["metadata"]["annotations"][labels.ADAPTER_DELIVERY]
    assert decided([A, B], MOUNT, runtime, present).turn is Turn.WAITS


def test_another_engine_by_the_operator_replaces_models_in_turn() -> None:
    """Only vLLM is started for adapters, so the inputs depend on the engine, too."""
    present = made([A], replace(AUTO, engine=EngineChoice.VLLM), BY_THE_OPERATOR)
    given = replace(AUTO, engine=EngineChoice.TRANSFORMERS)
    plan = decided([A], given, BY_THE_OPERATOR, present)
    assert not is_replaced_at_once(plan, present)
    assert plan.turn is Turn.WAITS


CHANGES: dict[str, tuple[list[Manifest], list[Manifest], Settings, str]] = {
    "one that only nodes can pull": ([A], [A, OPEN], AUTO, TRANSFORMERS),
    "a Secret for the last one that had none": ([A, OPEN], [A], AUTO, TRANSFORMERS),
    "the first of vLLM": ([], [A], AUTO, VLLM),
    "the last of vLLM": ([A], [], AUTO, VLLM),
    "one more that is mounted": ([A], [A, B], MOUNT, TRANSFORMERS),
}


@pytest.mark.parametrize(("before", "now", "given", "runtime"), CHANGES.values(), ids=CHANGES)
def test_a_users_change_that_needs_other_pods_waits_for_nobody(
    before: list[Manifest], now: list[Manifest], given: Settings, runtime: str
) -> None:
    present = made(before, given, runtime)
    plan = decided(now, given, runtime, present)
    assert is_replaced_at_once(plan, present)


@pytest.mark.parametrize("given", [AUTO, PULL, MOUNT], ids=["auto", "pull", "mount"])
def test_a_workload_of_an_earlier_release_gets_the_record_and_keeps_its_pods(
    given: Settings,
) -> None:
    present = made([A], given, TRANSFORMERS)
    del present["metadata"]["annotations"][labels.ADAPTER_DELIVERY]
    plan = decided([A], given, TRANSFORMERS, present)
    (applied,) = [a.manifest for a in plan.actions if isinstance(a, Apply)]
    annotations = applied["metadata"]["annotations"]
    assert annotations[labels.ADAPTER_DELIVERY] == given.adapter_delivery.value
    assert not is_replaced_at_once(plan, present)
    assert plan.turn is None
