"""Plans carried out: order, ownership, and what a refusal becomes."""

from typing import Any

import pytest

from kaito_api import labels
from kaito_kube import errors, kinds
from kaito_kube.clock import FakeClock
from kaito_kube.events import EventRecorder
from kaito_kube.fake import FakeCluster
from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import NAMESPACE, OWNER, inference_workspace, stored
from workspace_controller.executor import ActionRefused, BeingDeleted, Executor
from workspace_controller.manifests.metadata import metadata
from workspace_controller.plan.plan import Action, Apply, Create, Delete, EmitEvent, Plan

MACHINE: Manifest = {"metadata": {"name": "ws000000000", "labels": OWNER.labels}}
JOB: Manifest = {"metadata": metadata(OWNER, "ws", "tuning"), "spec": {}}
SERVICE: Manifest = {"metadata": metadata(OWNER, "ws"), "spec": {"type": "ClusterIP"}}


class Scene:
    def __init__(self) -> None:
        self.cluster = FakeCluster()
        self.executor = Executor(
            self.cluster, EventRecorder(self.cluster, FakeClock(), "controller", "one")
        )
        self.workspace = self.cluster.seed(kinds.WORKSPACE, stored(inference_workspace()))

    async def execute(self, **plan: Any) -> Manifest:
        return await self.executor.execute(self.workspace, Plan(**plan))

    def did(self) -> list[str]:
        return [f"{call.verb} {call.kind}" for call in self.cluster.calls]


async def test_the_finalizer_is_on_before_anything_is_made() -> None:
    scene = Scene()
    after = await scene.execute(finalizer="add", actions=(Create(kinds.MACHINE, MACHINE),))
    assert after["metadata"]["finalizers"] == [labels.WORKSPACE_FINALIZER]
    assert scene.did() == ["patch Workspace", "create Machine"]


async def test_others_finalizers_stay() -> None:
    scene = Scene()
    patch = {"metadata": {"finalizers": ["other/one"]}}
    scene.cluster.change(kinds.WORKSPACE, kinds.key_of(scene.workspace), patch)
    scene.workspace = scene.cluster.objects(kinds.WORKSPACE)[0]
    added = await scene.execute(finalizer="add")
    assert added["metadata"]["finalizers"] == ["other/one", labels.WORKSPACE_FINALIZER]
    scene.workspace = added
    assert (await scene.execute(finalizer="remove"))["metadata"]["finalizers"] == ["other/one"]


async def test_a_finalizer_is_not_put_on_what_changed_meanwhile() -> None:
    scene = Scene()
    patch = {"metadata": {"finalizers": ["other/one"]}}
    scene.cluster.change(kinds.WORKSPACE, kinds.key_of(scene.workspace), patch)
    with pytest.raises(errors.Conflict):
        await scene.execute(finalizer="add")


async def test_a_status_is_written_only_when_it_is_another_one() -> None:
    scene = Scene()
    scene.workspace = await scene.execute(status={"state": "Ready", "eta": "1s"})
    scene.cluster.calls.clear()
    await scene.execute(status={"state": "Ready", "eta": "1s"})
    assert scene.did() == []
    after = await scene.execute(status={"state": "Ready"})
    assert after["status"] == {"state": "Ready"}


async def test_a_claim_of_that_name_that_is_not_its_own_is_told_of() -> None:
    scene = Scene()
    scene.cluster.seed(kinds.MACHINE, {"metadata": {"name": MACHINE["metadata"]["name"]}})
    with pytest.raises(
        ActionRefused, match="Machine ws000000000 exists and does not belong to this Workspace"
    ):
        await scene.execute(actions=(Create(kinds.MACHINE, MACHINE),))


async def test_what_is_there_already_and_what_is_gone_already_is_fine() -> None:
    scene = Scene()
    scene.cluster.seed(kinds.MACHINE, MACHINE)
    scene.cluster.seed(kinds.JOB, JOB)
    await scene.execute(
        actions=(
            Create(kinds.MACHINE, MACHINE),
            Create(kinds.JOB, JOB),
            Delete(kinds.DEPLOYMENT, "ws", NAMESPACE),
        )
    )


async def test_an_own_object_that_was_not_observed_is_made_right() -> None:
    scene = Scene()
    scene.cluster.seed(kinds.SERVICE, {**SERVICE, "spec": {"type": "LoadBalancer"}})
    await scene.execute(actions=(Apply(kinds.SERVICE, SERVICE, verify_owner=True),))
    assert scene.cluster.objects(kinds.SERVICE)[0]["spec"]["type"] == "ClusterIP"


FOREIGN = {"name": "ws", "namespace": NAMESPACE}


@pytest.mark.parametrize(
    "action",
    [Apply(kinds.SERVICE, SERVICE, verify_owner=True), Create(kinds.JOB, JOB)],
    ids=["apply", "create"],
)
async def test_what_is_somebody_elses_is_left_alone(action: Any) -> None:
    scene = Scene()
    scene.cluster.seed(action.kind, {"metadata": FOREIGN, "spec": {"mine": True}})
    with pytest.raises(ActionRefused) as refused:
        await scene.execute(actions=(action,))
    assert refused.value.refusal.reason == "NameTaken"
    assert scene.cluster.objects(action.kind)[0]["spec"] == {"mine": True}


async def test_what_is_leaving_is_waited_for() -> None:
    scene = Scene()
    deleting = {**JOB["metadata"], "deletionTimestamp": "x", "finalizers": ["foreground"]}
    scene.cluster.seed(kinds.JOB, {**JOB, "metadata": deleting})
    with pytest.raises(BeingDeleted):
        await scene.execute(actions=(Create(kinds.JOB, JOB),))


REFUSALS = {
    "no such kind": (Create(kinds.MACHINE, MACHINE), errors.NotFound("x"), "ProvisionerMissing"),
    "pools without a size": (
        Apply(kinds.NODE_POOL, MACHINE, verify_owner=False),
        errors.from_status(500, "", "failed to create typed patch object: .spec.replicas: no"),
        "ProvisionerTooOld",
    ),
    "quota of the namespace": (
        Create(kinds.JOB, JOB), errors.Forbidden("exceeded quota"), "ClusterUnavailable",
    ),
    "invalid": (Create(kinds.JOB, JOB), errors.Invalid("spec.x"), "ClusterUnavailable"),
}  # fmt: skip


@pytest.mark.parametrize(("action", "error", "reason"), REFUSALS.values(), ids=REFUSALS)
async def test_refusals(action: Action, error: errors.ClusterError, reason: str) -> None:
    scene = Scene()
    scene.cluster.fail_next(type(action).__name__.lower(), error)
    with pytest.raises(ActionRefused) as refused:
        await scene.execute(actions=(action,))
    assert refused.value.refusal.reason == reason
    assert str(error) in refused.value.refusal.message


async def test_an_outage_is_no_refusal() -> None:
    scene = Scene()
    scene.cluster.fail_next("create", errors.Unavailable("try later"))
    with pytest.raises(errors.Unavailable):
        await scene.execute(actions=(Create(kinds.JOB, JOB),))


async def test_events_are_about_the_workspace() -> None:
    scene = Scene()
    await scene.execute(events=(EmitEvent(True, "QuotaExceeded", "24 cores are missing"),))
    (event,) = scene.cluster.objects(kinds.EVENT)
    assert (event["type"], event["reason"]) == ("Warning", "QuotaExceeded")
    assert event["regarding"]["kind"] == "Workspace"
