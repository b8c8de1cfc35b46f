"""Whose turn it is: by the marks of the workloads, and by the passes in flight."""

from typing import Any

import pytest

from kaito_api import labels
from kaito_kube.kinds import DEPLOYMENT, WORKSPACE, Key, Manifest
from kaito_kube.store import Store
from tests.workspace_controller.given import NAMESPACE, inference_workspace
from workspace_controller.observed import OngoingUpdate
from workspace_controller.plan.plan import Turn
from workspace_controller.rollout import Rollout

A, B, C = (Key(NAMESPACE, name) for name in "abc")


def deployment(name: str, *, marked: bool, ready: int = 0, **metadata: Any) -> Manifest:
    annotations = {labels.UPDATING: "true" if marked else "false"}
    return {
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "annotations": annotations,
            **metadata,
        },
        "spec": {"replicas": 1},
        "status": {"readyReplicas": ready, "updatedReplicas": 1},
    }


def failed(name: str) -> Manifest:
    condition = {"type": "InferenceReady", "status": "False", "reason": "UpdateFailed"}
    return inference_workspace(name, status={"conditions": [condition]})


class Seen:
    """A Rollout over a, b and c, and the keys that it has reported."""

    def __init__(self) -> None:
        self.store, self.keys = Store(), list[Key]()
        self.rollout = Rollout(self.store)
        self.rollout.add_listener(self.keys.append)
        for key in (A, B, C):
            self.store.upsert(WORKSPACE, inference_workspace(key.name))

    def waits(self, *keys: Key) -> None:
        for key in keys:
            with self.rollout.turn(key, Turn.WAITS):
                pass


@pytest.mark.parametrize(
    ("made", "other"),
    [
        (deployment("b", marked=True), OngoingUpdate(B, False)),
        (deployment("b", marked=False), None),
        (deployment("b", marked=True, ready=1), None),
        (deployment("b", marked=True, deletionTimestamp="now"), None),
        (deployment("gone", marked=True), None),
        (deployment("a", marked=True), None),
    ],
    ids=["updating", "done", "ready, mark still there", "being deleted", "no Workspace", "its own"],
)
def test_marked_workload_of_another_has_the_turn(
    made: Manifest, other: OngoingUpdate | None
) -> None:
    seen = Seen()
    seen.store.upsert(DEPLOYMENT, made)
    assert seen.rollout.other_update(A) == other


def test_failed_update_is_known_by_the_status_of_its_workspace() -> None:
    seen = Seen()
    seen.store.upsert(DEPLOYMENT, deployment("b", marked=True))
    seen.store.upsert(WORKSPACE, failed("b"))
    assert seen.rollout.other_update(A) == OngoingUpdate(B, True)


def test_turn_is_taken_before_the_store_shows_it() -> None:
    seen = Seen()
    with seen.rollout.turn(B, Turn.TAKES):
        assert seen.rollout.other_update(A) == OngoingUpdate(B, False)
    assert seen.rollout.other_update(A) == OngoingUpdate(B, False)
    seen.store.upsert(DEPLOYMENT, deployment("b", marked=True))
    seen.store.upsert(DEPLOYMENT, deployment("b", marked=False))
    assert seen.rollout.other_update(A) is None


def test_turn_whose_write_may_have_arrived_stays_taken_until_the_next_pass() -> None:
    seen = Seen()
    with pytest.raises(RuntimeError), seen.rollout.turn(B, Turn.TAKES):
        raise RuntimeError("no answer")
    assert seen.rollout.other_update(A) is not None
    with seen.rollout.turn(B, None):
        pass
    assert seen.rollout.other_update(A) is None


def test_refused_write_gives_the_turn_back() -> None:
    seen = Seen()
    seen.waits(A)
    with seen.rollout.turn(B, Turn.TAKES):
        seen.rollout.give_back(B)
    assert seen.rollout.other_update(A) is None and seen.keys == [A]


def test_waiting_workspaces_are_reported_when_an_update_ends_fails_or_recovers() -> None:
    seen = Seen()
    seen.store.upsert(DEPLOYMENT, deployment("b", marked=True))
    seen.waits(C, A)
    assert not seen.keys
    seen.store.upsert(WORKSPACE, failed("b"))
    assert seen.keys == [A, C]
    seen.store.upsert(WORKSPACE, inference_workspace("b"))
    assert seen.keys == [A, C] * 2
    seen.store.upsert(DEPLOYMENT, deployment("b", marked=False))
    assert seen.keys == [A, C] * 3


@pytest.mark.parametrize("gone", ["workspace", "workload"])
def test_deleted_workspace_does_not_hold_the_turn(gone: str) -> None:
    seen = Seen()
    seen.store.upsert(DEPLOYMENT, deployment("b", marked=True))
    seen.waits(A)
    seen.store.remove(*((WORKSPACE, B) if gone == "workspace" else (DEPLOYMENT, B)))
    assert seen.rollout.other_update(A) is None and seen.keys == [A]


def test_workspace_that_waits_no_longer_is_not_reported() -> None:
    seen = Seen()
    seen.store.upsert(DEPLOYMENT, deployment("b", marked=True))
    seen.waits(A)
    with seen.rollout.turn(A, None):
        pass
    seen.store.remove(DEPLOYMENT, B)
    assert not seen.keys
