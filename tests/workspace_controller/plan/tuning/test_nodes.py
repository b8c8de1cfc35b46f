"""A training on several nodes: what is refused, its Job, and what its pods report together."""

import json
from typing import Any

import pytest

from kaito_kube.kinds import NODE_POOL, VOLUME_CLAIM, Kind, Manifest
from tests.workspace_controller.given import (
    OWNER,
    claim,
    own_node,
    resource,
    settings,
    tuning,
    tuning_workspace,
)
from tests.workspace_controller.manifests.pod_builders import env_of, everything, pod_of
from tests.workspace_controller.plan.tuning.test_run import (
    DONE,
    PUSHES,
    RUNS,
    SPEC,
    TRAINS,
    decided,
    running,
    seen,
)
from tests.workspace_controller.plan.tuning.test_spread import FOUR, ONE, made, on
from tests.workspace_controller.plan.tuning.test_storage import storage_class
from workspace_controller.manifests.data_check import data_check
from workspace_controller.manifests.tuning_revision import adapter_revision
from workspace_controller.observed import Observed, UserFile, VolumeClaimFact
from workspace_controller.plan.nodes.provisioning import decide_nodes
from workspace_controller.plan.nodes.surplus import without_surplus
from workspace_controller.plan.nodes.wanted import wanted_size
from workspace_controller.plan.plan import Apply, Create, Delete
from workspace_controller.plan.tuning.phase import Phase
from workspace_controller.plan.tuning.pod import tuning_pod
from workspace_controller.plan.tuning.run import TuningPlan, decide_tuning
from workspace_controller.plan.tuning.storage import Storage, choose_storage
from workspace_controller.plan.validation import problems

INDEX = "batch.kubernetes.io/job-completion-index"
TWO_NODES = {
    "nodes": (own_node("node-0"), own_node("node-1")),
    "claims": (claim(0, Ready="True/Ready/"), claim(1, Ready="True/Ready/")),
}


def two(**changes: Any) -> Observed:
    """A Workspace on two nodes, both of which are ready."""
    spec = tuning(**changes.pop("tuning", {}))
    parts = resource(count=2, **changes.pop("resource", {}))
    return seen(tuning_workspace(resource=parts, tuning=spec), **{**TWO_NODES, **changes})


def plan_of(observed: Observed) -> TuningPlan:
    assert observed.spec is not None and observed.spec.tuning is not None
    nodes = decide_nodes(observed, observed.spec, wanted_size(observed, observed.spec).nodes)
    return decide_tuning(observed, observed.spec, observed.spec.tuning, nodes)


def job_of(observed: Observed) -> Manifest:
    job = made(observed)
    job["metadata"] |= {"uid": "job-1"}
    return job


def indexed(pod: Manifest, index: int) -> Manifest:
    found = {**pod, "metadata": {**pod["metadata"], "name": f"ws-{index}-x"}}
    found["metadata"]["annotations"] = {INDEX: str(index)}
    return found


PISSA = "training_config:\n  LoraConfig: {init_lora_weights: pissa}\n"
BIG: dict[str, Any] = {"preset": {"name": "falcon-40b"}, "method": "lora"}
LORA = UserFile("n", "c", "training_config.yaml", "training_config: {}")
REFUSED = {
    "a start that is computed once": (
        two(file=UserFile("n", "c", "training_config.yaml", PISSA), tuning={"method": "lora"}),
        "resource.count: 2: LoraConfig.init_lora_weights is pissa, which trains on one process: "
        "change the key, or set it to 1",
    ),
    "a model that no GPU has room for": (
        two(resource={"instanceType": FOUR}, tuning=BIG, file=LORA),
        "resource.count: 2: on several nodes each GPU holds the whole model (90 GiB), and one of "
        f"{FOUR} has 80 GiB: use larger GPUs, or method qlora, or set it to 1",
    ),
    "data that one node can mount": (
        two(
            volume_claims={
                "tuning.input.volumeSource": VolumeClaimFact(
                    "rows", exists=True, access_modes=frozenset({"ReadWriteOnce"})
                )
            }
        ),
        "tuning.input.volumeSource: PersistentVolumeClaim team/rows allows ReadWriteOnce, and 2 "
        "nodes mount it: use one that allows ReadWriteMany or ReadOnlyMany, or set resource.count "
        "to 1",
    ),
    "results that one node can mount": (
        two(
            volume_claims={
                "tuning.output.volumeSource": VolumeClaimFact(
                    "out", exists=True, access_modes=frozenset({"ReadOnlyMany"})
                )
            }
        ),
        "tuning.output.volumeSource: PersistentVolumeClaim team/out allows ReadOnlyMany, and 2 "
        "nodes mount it: use one that allows ReadWriteMany, or set resource.count to 1",
    ),
}


@pytest.mark.parametrize(("observed", "message"), REFUSED.values(), ids=REFUSED)
def test_what_several_nodes_cannot_do_is_refused(observed: Observed, message: str) -> None:
    waiting = seen(
        observed.workspace,
        claims=(),
        nodes=(),
        file=observed.file,
        volume_claims=observed.volume_claims,
    )
    assert [str(problem) for problem in problems(waiting)] == [message]


def test_what_one_node_can_do_is_not_refused() -> None:
    shared = VolumeClaimFact("rows", exists=True, access_modes=frozenset({"ReadWriteMany"}))
    fine = two(volume_claims={"tuning.input.volumeSource": shared}, claims=(), nodes=())
    assert problems(fine) == ()
    assert problems(on(FOUR, **BIG)) == ()


def test_each_pod_of_the_job_knows_its_node() -> None:
    job = job_of(two(resource={"instanceType": FOUR}))
    spec = job["spec"]
    assert (spec["completions"], spec["parallelism"], spec["completionMode"]) == (2, 2, "Indexed")
    assert spec["successPolicy"] == {"rules": [{"succeededIndexes": "0"}]}
    assert spec["backoffLimit"] == 2 * 7 * 24 * 12
    for each in everything(pod_of(job)):
        env = env_of(each)
        assert env["KAITO_NODES"] == "2"
        assert env["KAITO_PROCESSES"] == "4"
        assert env["KAITO_RENDEZVOUS"] == "ws-0.ws-headless:29400"
        (rank,) = [e for e in each["env"] if e["name"] == "KAITO_NODE_RANK"]
        path = rank["valueFrom"]["fieldRef"]["fieldPath"]
        assert path == f"metadata.annotations['{INDEX}']"
    (trainer,) = [c for c in everything(pod_of(job)) if c["name"] == "trainer"]
    mounts = {m["mountPath"]: m["name"] for m in trainer["volumeMounts"]}
    assert mounts[env_of(trainer)["KAITO_NODE_RESULTS_DIR"]] == "node"
    assert {"name": "node", "emptyDir": {}} in pod_of(job)["volumes"]


def test_no_two_pods_of_a_training_are_on_one_node() -> None:
    (term,) = pod_of(job_of(two()))["affinity"]["podAntiAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]
    assert term["topologyKey"] == "kubernetes.io/hostname"
    assert term["labelSelector"]["matchLabels"] == {
        "kaito.sh/workspace": OWNER.name,
        "kaito.sh/role": "tuning",
    }


def test_the_check_of_the_data_stands_for_the_first_node() -> None:
    observed = two()
    assert observed.spec is not None
    pod = tuning_pod(observed, observed.spec, SPEC)
    assert pod is not None
    for each in everything(pod_of(data_check(pod))):
        assert env_of(each)["KAITO_NODE_RANK"] == "0"


def test_one_ready_node_of_two_is_waited_for() -> None:
    assert plan_of(two(nodes=(own_node("node-0"),))).actions == ()
    assert any(isinstance(action, Create) for action in plan_of(two()).actions)


@pytest.mark.parametrize(
    ("first", "other", "phase"),
    [
        (TRAINS, None, Phase.WAITING),
        (TRAINS, running({"running": RUNS}), Phase.FETCHING),
        (TRAINS, TRAINS, Phase.TRAINING),
        (PUSHES, TRAINS, Phase.PUSHING),
        (PUSHES, None, Phase.PUSHING),
    ],
    ids=["a pod is missing", "one fetches", "both train", "the first pushes", "and is alone"],
)
def test_the_run_is_as_far_as_its_last_node(
    first: Manifest, other: Manifest | None, phase: Phase
) -> None:
    pods = [indexed(first, 0)] + ([indexed(other, 1)] if other is not None else [])
    assert plan_of(two(job=job_of(two()), pods=tuple(pods))).phase is phase


def failed(reason: str, **report: Any) -> Manifest:
    last = {"exitCode": 1, "message": json.dumps({"reason": reason, **report})}
    return running({"terminated": DONE}, {"last": last, "waiting": {"reason": "CrashLoopBackOff"}})


STOPPED = failed("TrainingStopped", message="the connection is lost", retryable=True)
FAILURES = {
    "what others only followed": (STOPPED, failed("OutOfMemory", message="full"), "OutOfMemory"),
    "permanent before passing": (
        failed("DataUnreachable", message="gone", retryable=True),
        failed("DataUnreadable", message="other data"),
        "DataUnreadable",
    ),
    "all were stopped": (STOPPED, STOPPED, "TrainingStopped"),
    "one has not failed": (TRAINS, failed("OutOfMemory", message="full"), "OutOfMemory"),
}


@pytest.mark.parametrize(("first", "other", "reason"), FAILURES.values(), ids=FAILURES)
def test_the_pod_that_says_most_speaks_for_the_run(
    first: Manifest, other: Manifest, reason: str
) -> None:
    pods = (indexed(first, 0), indexed(other, 1))
    plan = plan_of(two(job=job_of(two()), pods=pods))
    assert plan.succeeded.reason == reason


def test_a_job_on_one_node_keeps_its_node() -> None:
    """It was created before resource.count counted, or by a spec that is gone."""
    one = job_of(on(ONE, method="qlora"))
    observed = two(job=one, pods=(TRAINS,))
    assert observed.spec is not None
    assert wanted_size(observed, observed.spec).nodes == 1


def tuned(**changes: Any) -> Observed:
    adapter = {"revision": adapter_revision(SPEC), "image": "registry.local/a:1"}
    manifest = {**tuning_workspace(resource=resource(count=2)), "status": {"adapter": adapter}}
    return seen(manifest, **{**TWO_NODES, **changes})


def released(observed: Observed) -> list[tuple[Kind, str]]:
    assert observed.spec is not None
    size = wanted_size(observed, observed.spec)
    plan = without_surplus(observed, decide_nodes(observed, observed.spec, size.nodes))
    return [(each.kind, each.name) for each in plan.releases if isinstance(each, Delete)]


def on_node(name: str) -> Manifest:
    pod: Manifest = {"metadata": {"name": "p", "labels": {"kaito.sh/role": "inference"}}}
    return {**pod, "spec": {"nodeName": name}}


def placed(index: int) -> Any:
    found = claim(index, Ready="True/Ready/")
    found.manifest["status"]["nodeName"] = f"node-{index}"
    return found


def test_the_model_needs_one_of_the_nodes() -> None:
    names = sorted(each.name for each in TWO_NODES["claims"])  # type: ignore[attr-defined]
    assert [name for _, name in released(tuned())] == names[1:]


def test_the_node_that_serves_is_kept() -> None:
    first, other = sorted((placed(0), placed(1)), key=lambda each: str(each.name))
    serving = on_node(str(other.manifest["status"]["nodeName"]))
    assert released(tuned(claims=(first, other), pods=(serving,))) == [(first.kind, first.name)]


def test_a_claim_that_goes_already_is_the_surplus() -> None:
    assert released(tuned(claims=(placed(0), claim(1, deleting=True)))) == []


def test_the_model_starts_once_the_other_node_takes_no_pods() -> None:
    observed = tuned()
    assert observed.spec is not None
    cordoned = own_node("node-1", spec={"unschedulable": True})
    for nodes, shrinks in (
        (TWO_NODES["nodes"], True),
        ((own_node("node-0"), cordoned), False),
        ((own_node("node-0"),), False),
    ):
        given = tuned(nodes=nodes, claims=(placed(0), claim(1, deleting=True)))
        plan = without_surplus(given, decide_nodes(given, observed.spec, 1))
        assert plan.shrinks is shrinks
        assert plan.ready is not shrinks


def test_a_pool_gets_smaller() -> None:
    pool = claim(0, kind=NODE_POOL)
    pool.manifest["spec"] = {"replicas": 2, "template": {"spec": {}}}
    given = tuned(claims=(pool,), settings=settings(node_provisioner="nodepool"))
    assert given.spec is not None
    plan = without_surplus(given, decide_nodes(given, given.spec, 1))
    (change,) = plan.releases
    assert isinstance(change, Apply)
    assert change.manifest["spec"] == {"replicas": 1, "template": {"spec": {}}}
    assert not plan.requests_nodes


FILES, DISK = "file.csi.azure.com", "disk.csi.azure.com"
NOT_SHARED = Storage(why_not="a volume of the StorageClass any is for one node at a time")


@pytest.mark.parametrize(
    ("provisioner", "setting", "expected"),
    [
        (DISK, "", NOT_SHARED),
        (FILES, "", Storage("any")),
        ("rook-ceph.cephfs.csi.ceph.com", "", Storage("any")),
        ("example.com/any", "", NOT_SHARED),
        ("example.com/any", "any", Storage("any")),
        (DISK, "any", NOT_SHARED),
    ],
)
def test_a_volume_is_taken_where_several_nodes_can_mount_it(
    provisioner: str, setting: str, expected: Storage
) -> None:
    given = settings(checkpoint_storage_class=setting)
    observed = two(settings=given, storage_classes=(storage_class("any", provisioner),))
    assert choose_storage(observed, 2) == expected


def test_the_volume_of_several_nodes_is_shared() -> None:
    plan = plan_of(two(storage_classes=(storage_class("files", FILES),)))
    claims = [a.manifest for a in plan.actions if isinstance(a, Create) and a.kind is VOLUME_CLAIM]
    assert [each["spec"]["accessModes"] for each in claims] == [["ReadWriteMany"]]


def test_copies_on_each_node_outlive_a_pod() -> None:
    plan = plan_of(two(storage_classes=(storage_class("disk", DISK),)))
    assert plan.checkpoints is not None
    assert (plan.checkpoints.status, plan.checkpoints.reason) == ("True", "CheckpointsOnNodes")
    assert plan.checkpoints.message == (
        "each of the 2 nodes has a copy of the checkpoints on its disk (emptyDir), because a "
        "volume of the StorageClass disk is for one node at a time: as long as one of their pods "
        "is left, the run goes on from the newest one; if all are lost, it starts again from step "
        "0, unless workspace-controller.settings.checkpointStorageClass names a StorageClass whose "
        "volumes several nodes can mount (ReadWriteMany)"
    )


def test_the_status_counts_all_gpus() -> None:
    observed = two(resource={"instanceType": FOUR})
    job = job_of(observed)
    pods = (indexed(TRAINS, 0), indexed(TRAINS, 1))
    plan = plan_of(two(resource={"instanceType": FOUR}, job=job, pods=pods))
    assert plan.succeeded.message == "training on 8 GPUs of 2 nodes"
    assert decided(seen()).succeeded.message == "creating the tuning Job"
