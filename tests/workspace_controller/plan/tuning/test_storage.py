"""Where a run keeps its checkpoints, and what the status says is at stake."""

from typing import Any

import pytest

from kaito_api.workspace import Tuning
from kaito_kube import kinds
from kaito_kube.kinds import CONFIG_MAP, JOB, VOLUME_CLAIM, Manifest
from tests.workspace_controller.given import NAMESPACE, settings, tuning, tuning_workspace
from tests.workspace_controller.harness import Environment
from tests.workspace_controller.plan.tuning.test_run import a_job, decided, seen
from workspace_controller.manifests.tuning_job import job
from workspace_controller.manifests.tuning_revision import adapter_revision
from workspace_controller.observed import Observed
from workspace_controller.plan.plan import Create, Delete
from workspace_controller.plan.tuning.pod import tuning_pod
from workspace_controller.plan.tuning.run import TuningPlan
from workspace_controller.plan.tuning.storage import (
    Storage,
    checkpoints_condition,
    choose_storage,
    chooses_storage,
)

TUNING = Tuning.model_validate(tuning())


def storage_class(
    name: str, provisioner: str = "disk.csi.azure.com", *, default: bool = True, made: str = "2026"
) -> Manifest:
    marks = {"storageclass.kubernetes.io/is-default-class": str(default).lower()}
    metadata = {"name": name, "annotations": marks, "creationTimestamp": made}
    return {"metadata": metadata, "provisioner": provisioner}


def with_classes(*classes: Manifest, **changes: Any) -> Observed:
    return seen(storage_classes=classes, **changes)


NO_DEFAULT = Storage(why_not="no StorageClass is the cluster's default")
LOCAL = Storage(why_not="the default StorageClass local keeps a volume on one node")
OFF = Storage(why_not="the setting checkpointStorageClass is none")
MISSING = Storage(
    why_not="the StorageClass files of the setting checkpointStorageClass does not exist"
)
FORMER_MARK = {"storageclass.beta.kubernetes.io/is-default-class": "true"}
FORMER = {"metadata": {"name": "former", "annotations": FORMER_MARK}, "provisioner": "disk"}
OLD, NEW = storage_class("old", made="2025"), storage_class("new", made="2026")


@pytest.mark.parametrize(
    ("classes", "setting", "expected"),
    [
        ((), "", NO_DEFAULT),
        ((storage_class("disk", default=False),), "", NO_DEFAULT),
        ((storage_class("disk"),), "", Storage("disk")),
        ((NEW, OLD), "", Storage("new")),
        ((storage_class("local", "rancher.io/local-path"),), "", LOCAL),
        ((FORMER,), "", Storage("former")),
        ((storage_class("disk"), storage_class("files", default=False)), "files", Storage("files")),
        ((storage_class("disk"),), "files", MISSING),
        ((storage_class("disk"),), "none", OFF),
    ],
)
def test_the_default_class_is_used_where_its_volumes_follow_a_pod(
    classes: tuple[Manifest, ...], setting: str, expected: Storage
) -> None:
    given = settings(checkpoint_storage_class=setting)
    assert choose_storage(with_classes(*classes, settings=given)) == expected


@pytest.mark.parametrize(("setting", "listed"), [("", True), ("disk", True), ("none", False)])
def test_the_classes_are_listed_only_where_one_may_be_taken(setting: str, listed: bool) -> None:
    observed = seen(settings=settings(checkpoint_storage_class=setting))
    assert observed.spec is not None
    assert chooses_storage(observed, observed.spec) is listed


def test_the_job_gets_a_volume_of_its_own() -> None:
    actions = decided(with_classes(storage_class("disk"))).actions
    created = {action.kind: action.manifest for action in actions if isinstance(action, Create)}
    assert [action.kind for action in actions] == [CONFIG_MAP, VOLUME_CLAIM, JOB]
    claim = created[VOLUME_CLAIM]
    assert claim["metadata"]["name"] == "ws.results-1"
    assert claim["metadata"]["ownerReferences"][0]["name"] == "ws"
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "disk",
        "resources": {"requests": {"storage": "64Gi"}},
    }
    volumes = created[JOB]["spec"]["template"]["spec"]["volumes"]
    results = {"name": "results", "persistentVolumeClaim": {"claimName": "ws.results-1"}}
    assert results in volumes


def test_a_volume_of_the_user_needs_no_other() -> None:
    own = tuning(output={"volumeSource": {"persistentVolumeClaim": {"claimName": "mine"}}})
    plan = decided(seen(tuning_workspace(tuning=own), storage_classes=(storage_class("disk"),)))
    assert VOLUME_CLAIM not in [action.kind for action in plan.actions]
    assert plan.checkpoints is not None
    assert plan.checkpoints.message == "checkpoints are on the volume of tuning.output"


def test_the_status_says_before_the_run_what_is_at_stake() -> None:
    plan = decided(seen(nodes=()))
    assert plan.checkpoints is not None
    assert (plan.checkpoints.status, plan.checkpoints.reason) == ("False", "CheckpointsOnNode")
    assert plan.checkpoints.message == (
        "checkpoints are on the disk of the node (emptyDir), because no StorageClass is the "
        "cluster's default: if the pod or its node is lost, the run starts again from step 0, and "
        "what it has cost is lost; make a StorageClass whose volumes follow a pod the cluster's "
        "default, or set workspace-controller.settings.checkpointStorageClass, before the run "
        "begins"
    )


def made_job(observed: Observed, claim: str) -> Manifest:
    """The Job as it was created, with the volume `claim`; empty for none."""
    assert observed.spec is not None
    found = tuning_pod(observed, observed.spec, TUNING, claim)
    assert found is not None
    return {**a_job(), "spec": job(found)["spec"]}


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("ws.results-1", "PersistentVolumeClaim ws.results-1: on another pod or node the run goes"),
        ("", "the disk of the node (emptyDir): if the pod or its node is lost"),
    ],
)
def test_a_job_keeps_what_it_began_with(claim: str, expected: str) -> None:
    made = made_job(seen(), claim)
    # A default class that comes later helps the next run only.
    observed = with_classes(storage_class("disk"), job=made)
    assert expected in checkpoints_condition(observed, TUNING, 1).message


def test_the_volume_of_a_run_goes_with_its_job_when_the_spec_changes() -> None:
    stale = made_job(seen(), "ws.results-1")
    stale["metadata"]["annotations"]["workspace.kaito.io/revision"] = "other-other"
    deleted = [each for each in decided(seen(job=stale)).actions if isinstance(each, Delete)]
    assert [(each.kind, each.name) for each in deleted] == [
        (JOB, "ws"),
        (VOLUME_CLAIM, "ws.results-1"),
    ]


def test_a_spec_that_goes_back_to_what_is_tuned_ends_the_run_between() -> None:
    """A is tuned, B is training when the spec becomes A again: B would keep the GPU."""
    between = made_job(seen(), "ws.results-2")
    between["metadata"]["annotations"]["workspace.kaito.io/revision"] = "other-other"
    adapter = {"revision": adapter_revision(TUNING), "image": "registry.local/a:1"}
    manifest = {**tuning_workspace(), "status": {"adapter": adapter}}
    deleted = [(each.kind, each.name) for each in deletes(decided(seen(manifest, job=between)))]
    assert deleted == [(JOB, "ws"), (VOLUME_CLAIM, "ws.results-2")]
    own = made_job(seen(), "ws.results-1")
    assert deletes(decided(seen(manifest, job=own))) == []


def deletes(plan: TuningPlan) -> list[Delete]:
    return [each for each in plan.actions if isinstance(each, Delete)]


async def test_a_whole_life_keeps_the_volume_until_the_adapter_is_pushed() -> None:
    environment = Environment()
    environment.push_secret()
    environment.cluster.seed(kinds.STORAGE_CLASS, storage_class("disk"))
    environment.apply(tuning_workspace())
    kept: set[bool] = set()
    for _ in range(30):
        await environment.replica.round()
        environment.world.step()
        environment.clock.advance(5)
        claim = environment.cluster.peek(VOLUME_CLAIM, "ws.results-1", NAMESPACE)
        kept.add(claim is not None and "deletionTimestamp" not in claim["metadata"])
    status = environment.workspace()["status"]
    assert status["state"] == "Ready"
    assert "CheckpointsKept" not in {each["type"] for each in status["conditions"]}
    assert kept == {True, False}
    assert claim is None or "deletionTimestamp" in claim["metadata"]
    deletes = [
        call for call in environment.cluster.calls
        if call.verb == "delete" and call.kind == VOLUME_CLAIM
    ]  # fmt: skip
    assert len(deletes) == 1
