"""Failures of a pod: reason, message, and whether they are permanent."""

import json
from datetime import timedelta
from typing import Any

import pytest

from kaito_api.conditions import rfc3339
from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import NOW, container, pod
from workspace_controller.plan.failure import Failure
from workspace_controller.plan.pods.failure import GracePeriod, pod_failure


def ago(seconds: float) -> str:
    return rfc3339(NOW - timedelta(seconds=seconds))


def ended(code: int = 1, reason: str = "Error", **message: Any) -> Manifest:
    found: Manifest = {"exitCode": code, "reason": reason}
    return {**found, "message": json.dumps(message)} if message else found


def of_fetcher(**state: Any) -> Manifest:
    return pod("tuning", initContainerStatuses=[container("data-fetcher", **state)])


def unscheduled(seconds: float) -> Manifest:
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "lastTransitionTime": ago(seconds),
        "message": "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
    }
    return pod("tuning", phase="Pending", conditions=[condition])


UNREACHABLE = ended(reason="Error", message="host gone") | {
    "message": json.dumps({"reason": "DataUnreachable", "message": "host gone", "retryable": True})
}
NOT_PARQUET = {
    "exitCode": 1,
    "message": json.dumps({"reason": "DataUnreadable", "message": "x.parquet is HTML"}),
}
BACK_OFF = {"reason": "CrashLoopBackOff", "message": "back-off 10s"}


def ran(seconds: float, code: int = 0) -> Manifest:
    """A container that ended a minute ago, after it had run for so long."""
    return {"exitCode": code, "startedAt": ago(60 + seconds), "finishedAt": ago(60)}


def serving(**state: Any) -> Manifest:
    return pod("inference", containerStatuses=[container("own", **state)])


@pytest.mark.parametrize(
    ("manifest", "fails"),
    [
        (serving(running={"startedAt": ago(5)}), False),
        (serving(terminated={"exitCode": 0}), True),
        (serving(waiting=BACK_OFF, last={"exitCode": 0}), True),
        (serving(running={"startedAt": ago(20)}, last=ran(3)), True),
        (serving(running={"startedAt": ago(31)}, last=ran(3)), False),
        (serving(running={"startedAt": ago(59)}, last=ran(100)), True),
        (serving(running={"startedAt": ago(59)}, last=ran(100, code=1)), True),
        (serving(running={"startedAt": ago(201)}, last=ran(100)), False),
        (serving(running={"startedAt": ago(59)}, last=ran(900)), False),
    ],
    ids=[
        "first start",
        "ended",
        "waits for its restart",
        "just restarted",
        "runs for longer than before",
        "slow loop",
        "slow loop of failures",
        "runs for twice as long as before",
        "first end after a long time",
    ],
)
def test_container_that_serves_must_not_end(manifest: Manifest, fails: bool) -> None:
    found = pod_failure(manifest, NOW, serves=True)
    assert (found is not None) is fails
    if isinstance(found, Failure) and "exit code 0" in found.message:
        assert found.message == (
            "container own ended with exit code 0, and is restarted: a server must not end"
        )
        assert found.reason == "ContainerCrashed" and not found.permanent


def test_init_container_of_a_pod_that_serves_may_end() -> None:
    done = container("model-copy", terminated={"exitCode": 0})
    runs = container("own", running={"startedAt": ago(5)})
    manifest = pod("inference", initContainerStatuses=[done], containerStatuses=[runs])
    assert pod_failure(manifest, NOW, serves=True) is None


WELL = {
    "nothing reported yet": pod("tuning"),
    "being created": of_fetcher(waiting={"reason": "PodInitializing"}),
    "running": of_fetcher(running={"startedAt": ago(5)}),
    "done": of_fetcher(terminated={"exitCode": 0}),
    "succeeded and running again": of_fetcher(running={}, last={"exitCode": 0}),
    "failed long ago and running since": of_fetcher(
        running={"startedAt": ago(31)}, last=UNREACHABLE
    ),
    "running since an unknown time": of_fetcher(running={}, last=UNREACHABLE),
}


@pytest.mark.parametrize("given", WELL.values(), ids=WELL)
def test_healthy_pod_has_no_failure(given: Manifest) -> None:
    assert pod_failure(given, NOW) is None


TROUBLE: dict[str, tuple[Manifest, str, str, bool]] = {
    "image not found": (
        of_fetcher(waiting={"reason": "ErrImagePull", "message": "manifest unknown"}),
        "ImagePullFailed", "registry.local/data-fetcher:1: manifest unknown", False,
    ),
    "image backing off": (
        of_fetcher(waiting={"reason": "ImagePullBackOff"}), "ImagePullFailed", "BackOff", False,
    ),
    "secret missing": (
        of_fetcher(
            waiting={"reason": "CreateContainerConfigError", "message": 'secret "hf" not found'}
        ),
        "SecretMissing", '"hf"', False,
    ),
    "ConfigMap missing": (
        of_fetcher(
            waiting={"reason": "CreateContainerConfigError", "message": 'configmap "c" not found'}
        ),
        "ConfigMapMissing", '"c"', False,
    ),
    "container cannot be created": (
        of_fetcher(waiting={"reason": "CreateContainerError", "message": "no such user"}),
        "ContainerCrashed", "no such user", False,
    ),
    "data unreachable": (
        of_fetcher(waiting=BACK_OFF, last=UNREACHABLE), "DataUnreachable", "host gone", False,
    ),
    "data is not parquet": (
        of_fetcher(waiting=BACK_OFF, last=NOT_PARQUET), "DataUnreadable", "is HTML", True,
    ),
    "failed just now": (
        of_fetcher(terminated=NOT_PARQUET), "DataUnreadable", "is HTML", True,
    ),
    "failed and just restarted": (
        of_fetcher(running={"startedAt": ago(5)}, last=NOT_PARQUET),
        "DataUnreadable", "is HTML", True,
    ),
    "retryable though its reason is not": (
        of_fetcher(
            waiting=BACK_OFF,
            last=ended(reason="Error") | {
                "message": json.dumps({"reason": "TrainingFailed", "retryable": True})
            },
        ),
        "TrainingFailed", "ended with an error", False,
    ),
    "not retryable though its reason is": (
        of_fetcher(
            waiting=BACK_OFF,
            last=ended(reason="Error") | {
                "message": json.dumps({"reason": "PushFailed", "retryable": False})
            },
        ),
        "PushFailed", "rejected the image", True,
    ),
    "out of memory": (
        of_fetcher(waiting=BACK_OFF, last={"exitCode": 137, "reason": "OOMKilled"}),
        "OutOfMemory", "data-fetcher", True,
    ),
    "killed": (
        of_fetcher(waiting=BACK_OFF, last={"exitCode": 137, "reason": "Error"}),
        "ContainerCrashed", "exit code 137", False,
    ),
    "crashed with a traceback": (
        of_fetcher(waiting=BACK_OFF, last={"exitCode": 1, "message": "Traceback\nKeyError: x"}),
        "ContainerCrashed", "KeyError: x", False,
    ),
    "message of another program": (
        of_fetcher(waiting=BACK_OFF, last={"exitCode": 2, "message": '{"reason": "Odd"}'}),
        "ContainerCrashed", "exit code 2", False,
    ),
    "message that is not an object": (
        of_fetcher(waiting=BACK_OFF, last={"exitCode": 2, "message": "[1]"}),
        "ContainerCrashed", "[1]", False,
    ),
    "evicted": (
        pod("tuning", phase="Failed", reason="Evicted", message="low on ephemeral-storage"),
        "PodEvicted", "ephemeral-storage", False,
    ),
    "rejected by the node": (
        pod("tuning", phase="Failed", reason="UnexpectedAdmissionError"),
        "PodEvicted", "UnexpectedAdmissionError", False,
    ),
    "no room": (unscheduled(11), "Unschedulable", "Insufficient nvidia.com/gpu", False),
}  # fmt: skip


@pytest.mark.parametrize(("given", "reason", "message", "permanent"), TROUBLE.values(), ids=TROUBLE)
def test_failure_has_reason_and_message(
    given: Manifest, reason: str, message: str, permanent: bool
) -> None:
    found = pod_failure(given, NOW)
    assert isinstance(found, Failure)
    assert (found.reason, found.permanent) == (reason, permanent)
    assert message in found.message


def test_unschedulable_pod_has_a_grace_period() -> None:
    assert pod_failure(unscheduled(4), NOW) == GracePeriod(6.0)


def test_failure_stays_while_a_restarted_container_settles() -> None:
    found = pod_failure(of_fetcher(running={"startedAt": ago(10)}, last=NOT_PARQUET), NOW)
    assert isinstance(found, Failure) and found.requeue_after_seconds == 20.0


def test_long_message_keeps_its_start_and_end() -> None:
    last = {"exitCode": 1, "message": "a" * 2000 + "the cause"}
    found = pod_failure(of_fetcher(waiting=BACK_OFF, last=last), NOW)
    assert isinstance(found, Failure)
    assert len(found.message) <= 520 and found.message.endswith("the cause")


def test_first_failing_container_is_reported() -> None:
    both = pod(
        "tuning",
        initContainerStatuses=[container("data-fetcher", terminated={"exitCode": 0}),
                               container("trainer", waiting=BACK_OFF, last=NOT_PARQUET)],
        containerStatuses=[container("pusher", waiting={"reason": "PodInitializing"})],
    )  # fmt: skip
    found = pod_failure(both, NOW)
    assert isinstance(found, Failure) and found.reason == "DataUnreadable"
