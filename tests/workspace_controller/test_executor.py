"""Execution of plans: order, ownership, and refusals."""

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
from workspace_controller.pod_clients.adapter_client import FakeAdapterClient
from workspace_controller.pod_clients.adapter_sender import AdapterSender

MACHINE: Manifest = {"metadata": {"name": "ws000000000", "labels": OWNER.labels}}
JOB: Manifest = {"metadata": metadata(OWNER, "ws", "tuning"), "spec": {}}
SERVICE: Manifest = {"metadata": metadata(OWNER, "ws"), "spec": {"type": "ClusterIP"}}


class Environment:
    def __init__(self) -> None:
        self.cluster = FakeCluster()
        self.executor = Executor(
            self.cluster,
            EventRecorder(self.cluster, FakeClock(), "controller", "one"),
            AdapterSender(self.cluster, FakeAdapterClient(), ""),
        )
        self.workspace = self.cluster.seed(kinds.WORKSPACE, stored(inference_workspace()))

    async def execute(self, **plan: Any) -> Manifest:
        return await self.executor.execute(self.workspace, Plan(**plan))

    def did(self) -> list[str]:
        return [f"{call.verb} {call.kind}" for call in self.cluster.calls]


async def test_finalizer_is_added_before_anything_is_created() -> None:
    environment = Environment()
    after = await environment.execute(finalizer="add", actions=(Create(kinds.MACHINE, MACHINE),))
    assert after["metadata"]["finalizers"] == [labels.WORKSPACE_FINALIZER]
    assert environment.did() == ["patch Workspace", "create Machine"]


async def test_foreign_finalizers_stay() -> None:
    environment = Environment()
    patch = {"metadata": {"finalizers": ["other/one"]}}
    environment.cluster.change(kinds.WORKSPACE, kinds.key_of(environment.workspace), patch)
    environment.workspace = environment.cluster.objects(kinds.WORKSPACE)[0]
    added = await environment.execute(finalizer="add")
    assert added["metadata"]["finalizers"] == ["other/one", labels.WORKSPACE_FINALIZER]
    environment.workspace = added
    assert (await environment.execute(finalizer="remove"))["metadata"]["finalizers"] == [
        "other/one"
    ]


async def test_finalizer_conflicts_when_the_workspace_changed() -> None:
    environment = Environment()
    patch = {"metadata": {"finalizers": ["other/one"]}}
    environment.cluster.change(kinds.WORKSPACE, kinds.key_of(environment.workspace), patch)
    with pytest.raises(errors.Conflict):
        await environment.execute(finalizer="add")


async def test_status_is_written_only_when_it_changes() -> None:
    environment = Environment()
    environment.workspace = await environment.execute(status={"state": "Ready", "eta": "1s"})
    environment.cluster.calls.clear()
    await environment.execute(status={"state": "Ready", "eta": "1s"})
    assert environment.did() == []
    after = await environment.execute(status={"state": "Ready"})
    assert after["status"] == {"state": "Ready"}


async def test_status_loses_fields_within_objects_as_well() -> None:
    environment = Environment()
    before = {"tuning": {"step": 9, "divergence": {"step": 5}}, "nodes": "1/1"}
    environment.workspace = await environment.execute(status=before)
    after = await environment.execute(status={"tuning": {"step": 1}})
    assert after["status"] == {"tuning": {"step": 1}}


async def test_foreign_claim_of_the_same_name_is_reported() -> None:
    environment = Environment()
    environment.cluster.seed(kinds.MACHINE, {"metadata": {"name": MACHINE["metadata"]["name"]}})
    with pytest.raises(
        ActionRefused, match="Machine ws000000000 exists and does not belong to this Workspace"
    ):
        await environment.execute(actions=(Create(kinds.MACHINE, MACHINE),))


async def test_existing_and_deleted_objects_are_accepted() -> None:
    environment = Environment()
    environment.cluster.seed(kinds.MACHINE, MACHINE)
    environment.cluster.seed(kinds.JOB, JOB)
    await environment.execute(
        actions=(
            Create(kinds.MACHINE, MACHINE),
            Create(kinds.JOB, JOB),
            Delete(kinds.DEPLOYMENT, "ws", NAMESPACE),
        )
    )


async def test_own_object_that_was_not_observed_is_updated() -> None:
    environment = Environment()
    environment.cluster.seed(kinds.SERVICE, {**SERVICE, "spec": {"type": "LoadBalancer"}})
    await environment.execute(actions=(Apply(kinds.SERVICE, SERVICE, verify_owner=True),))
    assert environment.cluster.objects(kinds.SERVICE)[0]["spec"]["type"] == "ClusterIP"


FOREIGN = {"name": "ws", "namespace": NAMESPACE}


async def test_own_object_that_was_not_observed_is_kept() -> None:
    environment = Environment()
    kept = {**SERVICE, "spec": {"type": "NodePort"}}
    owner = {"uid": environment.workspace["metadata"]["uid"], "controller": True}
    kept["metadata"] = {**SERVICE["metadata"], "ownerReferences": [owner]}
    environment.cluster.seed(kinds.SERVICE, kept)
    action = Apply(kinds.SERVICE, SERVICE, verify_owner=True, keep_present=True)
    await environment.execute(actions=(action,))
    assert environment.did() == ["get Service"]
    (found,) = environment.cluster.objects(kinds.SERVICE)
    assert found["spec"] == {"type": "NodePort"}


@pytest.mark.parametrize(
    "action",
    [Apply(kinds.SERVICE, SERVICE, verify_owner=True), Create(kinds.JOB, JOB)],
    ids=["apply", "create"],
)
async def test_foreign_object_is_not_changed(action: Any) -> None:
    environment = Environment()
    environment.cluster.seed(action.kind, {"metadata": FOREIGN, "spec": {"mine": True}})
    with pytest.raises(ActionRefused) as refused:
        await environment.execute(actions=(action,))
    assert refused.value.refusal.reason == "NameTaken"
    assert environment.cluster.objects(action.kind)[0]["spec"] == {"mine": True}


async def test_object_being_deleted_is_waited_for() -> None:
    environment = Environment()
    deleting = {**JOB["metadata"], "deletionTimestamp": "x", "finalizers": ["foreground"]}
    environment.cluster.seed(kinds.JOB, {**JOB, "metadata": deleting})
    with pytest.raises(BeingDeleted):
        await environment.execute(actions=(Create(kinds.JOB, JOB),))


REFUSALS = {
    "no such kind": (Create(kinds.MACHINE, MACHINE), errors.NotFound("x"), "ProvisionerMissing"),
    "pools without a size": (
        Apply(kinds.NODE_POOL, MACHINE, verify_owner=False),
        errors.from_status(500, "", "failed to create typed patch object: .spec.replicas: no"),
        "ProvisionerTooOld",
    ),
    "quota of the namespace": (
        Create(kinds.JOB, JOB), errors.Forbidden("exceeded quota: q"), "AdmissionDenied",
    ),
    "invalid": (Create(kinds.JOB, JOB), errors.Invalid("spec.x"), "ClusterUnavailable"),
}  # fmt: skip


@pytest.mark.parametrize(("action", "error", "reason"), REFUSALS.values(), ids=REFUSALS)
async def test_refused_write_has_reason_and_cause(
    action: Action, error: errors.ClusterError, reason: str
) -> None:
    environment = Environment()
    environment.cluster.fail_next(type(action).__name__.lower(), error)
    with pytest.raises(ActionRefused) as refused:
        await environment.execute(actions=(action,))
    assert refused.value.refusal.reason == reason
    assert str(error) in refused.value.refusal.message


async def test_outage_is_not_a_refusal() -> None:
    environment = Environment()
    environment.cluster.fail_next("create", errors.Unavailable("try later"))
    with pytest.raises(errors.Unavailable):
        await environment.execute(actions=(Create(kinds.JOB, JOB),))


async def test_event_regards_the_workspace() -> None:
    environment = Environment()
    await environment.execute(events=(EmitEvent(True, "QuotaExceeded", "24 cores are missing"),))
    (event,) = environment.cluster.objects(kinds.EVENT)
    assert (event["type"], event["reason"]) == ("Warning", "QuotaExceeded")
    assert event["regarding"]["kind"] == "Workspace"
