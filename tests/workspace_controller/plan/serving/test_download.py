"""What a Workspace says while its model is being downloaded."""

from typing import Any

import pytest

from kaito_api.blocking import blocking_condition
from kaito_api.conditions import Condition, ConditionStatus
from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import (
    claim,
    container,
    inference,
    inference_workspace,
    observation,
    own_node,
    pod,
    resource,
    stored,
)
from workspace_controller.observed import ModelDownload, Observed
from workspace_controller.plan.decide import decide
from workspace_controller.plan.serving.start.download import download_message

GIB = 2**30
UNKNOWN = "downloading the model; the log of container model-download shows the progress"


def gib(done: float, total: float, **more: Any) -> ModelDownload:
    return ModelDownload(done_bytes=round(done * GIB), total_bytes=round(total * GIB), **more)


@pytest.mark.parametrize(
    ("download", "message"),
    [
        (None, UNKNOWN),
        (gib(0, 0), UNKNOWN),
        (gib(3.2, 14.2), "downloading the model: 3.2 of 14.2 GiB"),
        (gib(3.2, 14.2, remaining_seconds=230.0),
         "downloading the model: 3.2 of 14.2 GiB, about 4 min left"),
        (gib(14.1, 14.2, remaining_seconds=2.0),
         "downloading the model: 14.1 of 14.2 GiB, about a minute left"),
        (gib(3.2, 640.0, remaining_seconds=9000.0),
         "downloading the model: 3.2 of 640.0 GiB, about 2.5 h left"),
        (gib(0.5, 0.9), "downloading the model: 512.0 of 921.6 MiB"),
        (gib(3.2, 14.2, remaining_seconds=9.0, problem="URLError: timed out"),
         "downloading the model: 3.2 of 14.2 GiB; the last attempt failed, and it goes on: "
         "URLError: timed out"),
    ],
)  # fmt: skip
def test_the_condition_says_how_much_is_there(download: ModelDownload | None, message: str) -> None:
    assert download_message(download) == message


def downloading(download: ModelDownload | None, **deployment: Any) -> Observed:
    manifest = inference_workspace(
        inference=inference(preset={"name": "phi-4"}),
        resource=resource(instanceType="Standard_NC24ads_A100_v4"),
    )
    running = container("model-download", running={"startedAt": "2026-01-01T11:00:00Z"})
    serving = pod("inference", initContainerStatuses=[running], podIP="10.0.0.7")
    node = own_node(labels={"node.kubernetes.io/instance-type": "Standard_NC24ads_A100_v4"})
    return observation(
        stored(manifest),
        nodes=(node,),
        claims=(claim(Ready="True/Ready/"),),
        pods=(serving,),
        deployment={
            "metadata": {"name": "ws", "namespace": "team", "generation": 1},
            "spec": {"replicas": 1, "progressDeadlineSeconds": 1800},
            "status": {"observedGeneration": 1, "replicas": 1, **deployment},
        },
        download=download,
    )


def status(observed: Observed) -> Manifest:
    found = decide(observed).status
    assert found is not None
    return found


def ready_condition(found: Manifest) -> Condition:
    (each,) = [c for c in found["conditions"] if c["type"] == "InferenceReady"]
    return Condition(each["type"], ConditionStatus(each["status"]), each["reason"], each["message"])


def test_status_and_columns_show_the_download() -> None:
    found = status(downloading(gib(3.2, 14.2, remaining_seconds=230.0)))
    condition = ready_condition(found)
    assert condition.reason == "ModelLoading"
    assert condition.message == "downloading the model: 3.2 of 14.2 GiB, about 4 min left"
    assert found["state"] == "Loading"
    assert found["progress"] == "downloading the model (22%)"
    assert found["eta"] == "3m50s"


def test_a_download_is_looked_at_again() -> None:
    assert decide(downloading(gib(3.2, 14.2))).requeue_after_seconds == 10


def test_a_download_without_an_answer_has_no_numbers() -> None:
    found = status(downloading(None))
    assert found["progress"] == "loading the model"
    assert "eta" not in found


def test_a_download_that_takes_long_is_no_failure() -> None:
    late = {"conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]}
    found = status(downloading(gib(3.2, 640.0), **late))
    assert ready_condition(found).reason == "ModelLoading"
    blocking = blocking_condition([ready_condition(found)])
    assert blocking is not None and blocking.reason == "ModelLoading"
    assert found["state"] == "Loading"
