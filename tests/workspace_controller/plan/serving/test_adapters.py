"""The adapters that are served with a model, and those that did not load."""

from typing import Any

import pytest

from kaito_api.workspace import Tuning
from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import (
    inference,
    inference_workspace,
    observation,
    pod,
    stored,
    tuning,
)
from workspace_controller.observed import Observed, RejectedAdapter
from workspace_controller.plan.serving.adapters.served import (
    adapter_pods,
    own_adapter,
    ready_condition,
)

ADAPTERS = [{"source": {"name": name, "image": f"registry.local/{name}:1"}} for name in "ab"]
READY = [{"type": "Ready", "status": "True"}]
SERVES = pod("inference", podIP="10.0.0.1", conditions=READY)
REJECTED = (RejectedAdapter("a", "/data/a: lora_alpha is 'lots', it must be a number"),)
TOLD = "the model answers requests, but without 1 adapter: a: " + REJECTED[0].cause
BEFORE = {
    "type": "InferenceReady",
    "status": "True",
    "reason": "AdapterNotLoaded",
    "message": TOLD,
}


def seen(*pods: Manifest, adapters: Any = ADAPTERS, **changes: Any) -> Observed:
    status = changes.pop("status", {})
    manifest = {**inference_workspace(inference=inference(adapters=adapters)), "status": status}
    return observation(stored(manifest), pods=pods, **changes)


CONDITIONS: dict[str, tuple[Observed, str, str]] = {
    "all loaded": (seen(SERVES, rejected_adapters=()), "InferenceReady", ""),
    "one rejected": (seen(SERVES, rejected_adapters=REJECTED), "AdapterNotLoaded", TOLD),
    "two rejected": (
        seen(SERVES, rejected_adapters=(RejectedAdapter("a", "x"), RejectedAdapter("b", "y"))),
        "AdapterNotLoaded",
        "the model answers requests, but without 2 adapters: a: x; b: y",
    ),
    "loaded since": (
        seen(SERVES, rejected_adapters=(), status={"conditions": [BEFORE]}),
        "InferenceReady",
        "",
    ),
    "no answer keeps what is known": (
        seen(SERVES, status={"conditions": [BEFORE]}),
        "AdapterNotLoaded",
        TOLD,
    ),
    "no answer, nothing known": (seen(SERVES), "InferenceReady", ""),
    "no adapters any longer": (
        seen(SERVES, adapters=[], status={"conditions": [BEFORE]}),
        "InferenceReady",
        "",
    ),
}


@pytest.mark.parametrize(("observed", "reason", "message"), CONDITIONS.values(), ids=CONDITIONS)
def test_condition_names_each_adapter_that_did_not_load(
    observed: Observed, reason: str, message: str
) -> None:
    condition = ready_condition(observed)
    assert condition.is_true
    assert (condition.reason, condition.message) == (
        reason,
        message or "the model answers requests",
    )


def test_long_causes_fit_into_a_condition() -> None:
    many = tuple(RejectedAdapter(f"a{i}", "x" * 100_000) for i in range(10))
    assert len(ready_condition(seen(SERVES, rejected_adapters=many)).message) < 32_768


@pytest.mark.parametrize(
    ("observed", "asked"),
    [
        (seen(SERVES), 1),
        (seen(), 0),
        (seen(SERVES, adapters=[]), 0),
        (seen(pod("inference", podIP="10.0.0.1")), 0),
        (seen(pod("inference", conditions=READY)), 0),
        (seen(pod("tuning", podIP="10.0.0.1", conditions=READY)), 0),
        (observation(stored(inference_workspace(tuning=tuning())), pods=(SERVES,)), 0),
    ],
    ids=["ready", "no pod", "no adapters", "not ready", "no address", "tunes", "no list"],
)
def test_only_ready_pods_with_adapters_are_asked(observed: Observed, asked: int) -> None:
    assert len(adapter_pods(observed)) == asked


def test_adapter_in_a_volume_is_in_the_trainers_directory() -> None:
    spec = Tuning.model_validate(tuning(output={"volumeSource": {"emptyDir": {}}}))
    adapter = own_adapter(observation(stored(inference_workspace())), spec, "")
    assert (adapter.name, adapter.volume, adapter.subpath) == ("ws", {"emptyDir": {}}, "adapter")
