"""How long the start of the serving pod took, and what its model-server measured."""

from dataclasses import replace
from typing import Any

import pytest

from kaito_kube.kinds import NODE_POOL, Manifest
from tests.workspace_controller.given import (
    OWNER,
    claim,
    inference_workspace,
    observation,
    stored,
    tuning_workspace,
)
from workspace_controller.observed import Claim, Measurement, ModelStart, Observed
from workspace_controller.plan.serving.start.startup import (
    ask_again_seconds,
    performance_status,
    pod_to_ask,
    startup_status,
)

REPORT = ModelStart(
    {"load": 20.4, "warm-up": 1.6, "adapters": 0.2},
    Measurement(
        engine="vllm 0.33.0",
        tokens_per_second=38.04,
        peak_tokens_per_second=410.5,
        concurrent_answers=16,
        peak_memory_bytes=2**34,
        memory_bytes=2**35,
    ),
)


def at(minutes: int, seconds: int = 0) -> str:
    return f"2026-01-01T10:{minutes:02d}:{seconds:02d}Z"


def since(type_: str, moment: str) -> Manifest:
    return {"type": type_, "status": "True", "lastTransitionTime": moment}


def requested(
    index: int = 0,
    *,
    created: str = at(0),
    launched: str = at(2),
    ready: str = at(4),
    **stages: str,
) -> Claim:
    """A Machine whose node was registered half a minute before it was usable."""
    registered = stages.get("registered", at(3, 30))
    found = claim(index)
    conditions = [
        since("MachineLaunched", launched),
        since("MachineRegistered", registered),
        since("MachineInitialized", ready),
    ]
    metadata = {**found.manifest["metadata"], "creationTimestamp": created}
    return Claim(found.kind, {"metadata": metadata, "status": {"conditions": conditions}})


def ran(name: str, start: str, end: str = "", **more: Any) -> Manifest:
    run = {"terminated": {"startedAt": start, "finishedAt": end}} if end else {}
    return {"name": name, "state": run or {"running": {"startedAt": start}}, **more}


def serving(
    name: str = "ws-abc",
    *,
    uid: str = "pod-1",
    init: tuple[Manifest, ...] = (),
    containers: tuple[Manifest, ...] = (ran("model-server", at(6)),),
    ready: str = at(7),
    **metadata: Any,
) -> Manifest:
    """A pod that was scheduled at the fifth minute."""
    return {
        "metadata": {
            "name": name,
            "uid": uid,
            "creationTimestamp": at(4, 30),
            "labels": {**OWNER.labels, "kaito.sh/role": "inference"},
            **metadata,
        },
        "spec": {"containers": [{"name": each["name"]} for each in containers]},
        "status": {
            "podIP": "10.0.0.1",
            "conditions": [
                since("PodScheduled", at(5)),
                *([since("Ready", ready)] if ready else []),
            ],
            "initContainerStatuses": list(init),
            "containerStatuses": list(containers),
        },
    }


def seen(*pods: Manifest, **changes: Any) -> Observed:
    given = changes.pop("workspace", None) or inference_workspace()
    manifest = stored(given, creationTimestamp=at(0))
    status = changes.pop("status", {})
    facts = {"claims": (requested(),), "model_start": REPORT, **changes}
    return observation({**manifest, "status": status}, pods=pods or (serving(),), **facts)


def startup(observed: Observed) -> Manifest:
    found = startup_status(observed, answers=True)
    assert found is not None
    return found


def test_each_phase_of_a_first_start_is_timed() -> None:
    assert startup(seen()) == {
        "pod": "ws-abc",
        "podUID": "pod-1",
        "readyTime": at(7),
        "totalSeconds": 420,
        "launchSeconds": 120,
        "registrationSeconds": 90,
        "initializationSeconds": 30,
        "pullSeconds": 60,
        "loadSeconds": 20,
        "warmUpSeconds": 2,
        "adapterSeconds": 0,
    }


def test_no_phase_is_negative_where_the_clock_of_the_node_is_behind() -> None:
    """The scheduler's clock says when the node was chosen, and the node's own when all else was."""
    behind = serving(
        init=(ran("model-download", at(2), at(4)),), containers=(ran("model-server", at(4)),)
    )
    found = startup(seen(behind))
    assert (found["downloadSeconds"], found["pullSeconds"]) == (120, 0)
    assert min(value for key, value in found.items() if key.endswith("Seconds")) >= 0


def test_an_engine_in_a_container_of_its_own_loads_before_model_server_waits() -> None:
    """Its image and the download come first; model-server's image is pulled while it loads."""
    pod = serving(
        init=(ran("model-download", at(5, 10), at(5, 40)), ran("engine", at(6))),
        containers=(ran("model-server", at(6, 15)),),
    )
    found = startup(seen(pod))
    assert (found["downloadSeconds"], found["pullSeconds"]) == (30, 30)
    assert found["loadSeconds"] == 15 + 20


def test_a_pod_that_follows_another_one_waited_for_no_node() -> None:
    before = {"startup": {"pod": "ws-old", "podUID": "pod-0", "readyTime": at(4, 10)}}
    found = startup(seen(status=before))
    assert not {"launchSeconds", "registrationSeconds", "initializationSeconds"} & found.keys()
    assert found["totalSeconds"] == 150


def test_a_node_that_was_replaced_counts_again() -> None:
    before = {"startup": {"pod": "ws-old", "podUID": "pod-0", "readyTime": at(0)}}
    later = requested(created=at(1))
    found = startup(seen(status=before, claims=(later,)))
    assert (found["launchSeconds"], found["totalSeconds"]) == (60, 360)


def test_of_several_nodes_the_last_to_be_ready_counts() -> None:
    slow = requested(1, launched=at(3), registered=at(3, 10), ready=at(4, 20))
    found = startup(seen(claims=(requested(), slow)))
    assert (found["launchSeconds"], found["initializationSeconds"]) == (180, 70)


def test_the_node_of_a_tuning_workspace_has_trained_before() -> None:
    found = startup(seen(workspace=tuning_workspace()))
    assert "launchSeconds" not in found and found["totalSeconds"] == 150


def test_a_node_pool_is_no_request_for_one_node() -> None:
    pool = replace(requested(), kind=NODE_POOL)
    assert "launchSeconds" not in startup(seen(claims=(pool,)))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (ran("model-server", at(6)), 60),
        ({**ran("model-server", at(6, 30)), "restartCount": 1,
          "lastState": {"terminated": {"startedAt": at(6)}}}, 60),
        ({**ran("model-server", at(9)), "restartCount": 4}, None),
        ({"name": "model-server", "state": {"waiting": {}}}, None),
        ({"name": "model-server", "state": {"running": {"startedAt": "soon"}}}, None),
        (ran("model-server", at(4)), 0),
    ],
    ids="first restarted restarted-often waiting garbage clocks-differ".split(),
)  # fmt: skip
def test_images_are_pulled_until_the_first_run(status: Manifest, expected: int | None) -> None:
    assert startup(seen(serving(containers=(status,)))).get("pullSeconds") == expected


def test_it_is_recorded_once_for_each_pod() -> None:
    first = startup(seen())
    # The controller restarts, and the container has a later start meanwhile.
    again = seen(
        serving(containers=(ran("model-server", at(30)),)),
        status={"startup": first},
        model_start=None,
    )
    assert startup(again) == first
    assert pod_to_ask(again) is None and ask_again_seconds(again, answers=True) is None


def test_nothing_is_recorded_before_the_model_answers() -> None:
    assert startup_status(seen(), answers=False) is None
    assert startup_status(seen(serving(ready="")), answers=True) is None


def test_the_newest_pod_counts_and_not_the_old_one_beside_it() -> None:
    old = serving("ws-old", uid="pod-0", creationTimestamp=at(0))
    assert startup(seen(old, serving()))["pod"] == "ws-abc"
    assert startup_status(seen(old, serving(ready="")), answers=True) is None
    ending = serving("ws-end", uid="pod-9", creationTimestamp=at(8), deletionTimestamp=at(9))
    assert startup(seen(ending, serving()))["pod"] == "ws-abc"


def test_of_a_model_that_spans_nodes_the_first_pod_counts() -> None:
    pods = (serving("ws-0", uid="a"), serving("ws-1", uid="b", creationTimestamp=at(4, 31)))
    assert startup(seen(*pods, stateful_set={"metadata": {"name": "ws"}}))["pod"] == "ws-0"


def test_a_pod_that_does_not_answer_is_asked_again_and_not_recorded() -> None:
    silent = seen(model_start=None)
    assert startup_status(silent, answers=True) is None
    assert performance_status(silent, answers=True) is None
    assert ask_again_seconds(silent, answers=True) == 30
    assert ask_again_seconds(silent, answers=False) is None


def test_a_model_server_that_reports_nothing_leaves_what_the_kubelet_says() -> None:
    found = seen(model_start=ModelStart())
    assert "loadSeconds" not in startup(found) and startup(found)["pullSeconds"] == 60
    assert performance_status(found, answers=True) is None


def test_your_own_pods_are_timed_and_not_asked() -> None:
    own = seen(serving(containers=(ran("mine", at(6)),)), model_start=None)
    assert pod_to_ask(own) is None
    assert startup(own)["pullSeconds"] == 60


def test_the_measured_figures_are_those_of_the_pod() -> None:
    found = performance_status(seen(), answers=True)
    assert found == {
        "engine": "vllm 0.33.0",
        "metrics": {
            "tokensPerSecond": {"value": "38.0", "unit": "tokens/s"},
            "peakTokensPerMinute": {"value": "24630", "unit": "tokens/min", "concurrency": 16},
            "peakMemory": {"value": str(2**34), "unit": "bytes"},
            "memory": {"value": str(2**35), "unit": "bytes"},
        },
    }
    recorded = {"startup": startup(seen()), "performance": found}
    assert performance_status(seen(status=recorded, model_start=None), answers=True) == found


def test_a_new_pod_without_a_measurement_does_not_keep_the_old_figures() -> None:
    before = {"startup": {"podUID": "pod-0"}, "performance": {"engine": "old", "metrics": {}}}
    found = seen(status=before, model_start=ModelStart({"load": 1.0}))
    assert performance_status(found, answers=True) is None
