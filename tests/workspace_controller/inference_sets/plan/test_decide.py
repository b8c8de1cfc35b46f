"""What a pass over an InferenceSet does with its Workspaces, its Service and its status."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from kaito_api import labels
from kaito_api.conditions import find
from kaito_kube.clock import FakeClock
from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import NAMESPACE, inference_workspace
from tests.workspace_controller.inference_sets.given_sets import (
    hash_of,
    inference_set,
    member,
    outdated,
    template,
)
from workspace_controller.inference_sets.plan import manifests
from workspace_controller.inference_sets.plan.decide import decide
from workspace_controller.inference_sets.plan.observed import ObservedSet
from workspace_controller.inference_sets.plan.plan import SetPlan
from workspace_controller.plan.plan import Apply, Delete


def plan_of(
    manifest: Manifest, neighbors: Sequence[Manifest] = (), service: Manifest | None = None
) -> SetPlan:
    return decide(
        ObservedSet(
            manifest=manifest, now=FakeClock().now(), neighbors=tuple(neighbors), service=service
        )
    )


def condition_of(plan: SetPlan, type_: str = "InferenceSetReady") -> tuple[str, str, str]:
    found = find((plan.status or {})["conditions"], type_) or {}
    return found["status"], found["reason"], found["message"]


def test_workspaces_have_the_template_and_an_owner() -> None:
    own = {
        "metadata": {"labels": {"team": "a"}, "annotations": {labels.RUNTIME: "transformers"}},
        **template(),
    }
    manifest = inference_set(template=own)
    first, second = plan_of(manifest).creates
    metadata = first["metadata"]
    assert metadata["name"].startswith("phi-") and len(metadata["name"]) == len("phi-") + 5
    assert metadata["name"] != second["metadata"]["name"]
    assert metadata["labels"] == {
        "team": "a",
        "inferenceset.kaito.sh/created-by": "phi",
        "inferenceset.kaito.sh/template-hash": hash_of(manifest),
    }
    assert metadata["annotations"] == {labels.RUNTIME: "transformers"}
    (owner,) = metadata["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"]) == ("InferenceSet", "phi", True)
    assert first["resource"] == {
        **template()["resource"],
        "labelSelector": {"matchLabels": {"app": "phi"}},
    }
    assert first["inference"] == template()["inference"]


def test_no_replica_is_created_beyond_the_maximum_to_be_deleted_by_the_next_pass() -> None:
    manifest = inference_set(replicas=9, autoscaling={"maxReplicas": 2})
    plan = plan_of(manifest)
    assert plan.scale is not None and plan.scale.replicas == 2
    assert not plan.creates


@pytest.mark.parametrize(("nodes", "replicas"), [(None, None), (1, 4), (2, 2), (4, None)], ids=str)
def test_the_price_limit_waits_for_the_number_of_nodes_of_a_replica(
    nodes: int | None, replicas: int | None
) -> None:
    rules = {"minReplicas": 4, "maxReplicas": 4, "maxPricePerHour": "8"}
    manifest = inference_set(replicas=1, autoscaling=rules)
    first = member(manifest, "phi-a")
    first["status"] = {**first["status"], "targetNodeCount": nodes}
    plan = decide(
        ObservedSet(
            manifest=manifest, now=FakeClock().now(), neighbors=(first,), node_price=Decimal(2)
        )
    )
    assert (plan.scale.replicas if plan.scale is not None else None) == replicas


def test_the_same_pass_again_asks_for_the_same_names() -> None:
    assert plan_of(inference_set()).creates == plan_of(inference_set()).creates


def test_a_name_that_is_taken_is_not_used_and_not_touched() -> None:
    name = plan_of(inference_set()).creates[0]["metadata"]["name"]
    foreign = inference_workspace(name)
    # A label makes it nobody's.
    foreign["metadata"]["labels"] = {labels.CREATED_BY_SET: "phi"}
    plan = plan_of(inference_set(), [foreign])
    assert len(plan.creates) == 2 and not plan.deletes and not plan.adopts
    assert name not in [made["metadata"]["name"] for made in plan.creates]
    notes = [event.note for event in plan.events if event.reason == "NameTaken"]
    assert notes == [
        f"Workspace team/{name} exists and does not belong to this InferenceSet: it is left alone, "
        "and another name is used"
    ]


def test_a_default_that_is_written_out_rolls_nothing_out() -> None:
    written = template()
    written["inference"] |= {"adapters": []}
    written["inference"]["preset"] = {**written["inference"]["preset"], "accessMode": "public"}
    assert hash_of(inference_set(template=written)) == hash_of(inference_set())


@pytest.mark.parametrize(
    "change",
    [
        {"template": template("Standard_NC12s_v3")},
        {"template": template(config="faster")},
        {"template": {"metadata": {"annotations": {"a": "b"}}, **template()}},
        {"labelSelector": {"matchLabels": {"app": "other"}}},
    ],
    ids=["instance type", "configuration", "annotation", "nodes"],
)
def test_every_change_of_the_template_is_rolled_out(change: dict[str, Any]) -> None:
    before = inference_set(replicas=1)
    after = inference_set(replicas=1, **change)
    plan = plan_of(after, [member(before, "phi-a")])
    assert len(plan.creates) == 1 and not plan.deletes
    assert condition_of(plan, "RolledOut") == (
        "False",
        "RollingOut",
        "0 of 1 replicas have the present template",
    )


def test_a_change_of_the_number_alone_rolls_nothing_out() -> None:
    before = inference_set(replicas=1)
    plan = plan_of(inference_set(replicas=2, nodeCountLimit=9), [member(before, "phi-a")])
    assert len(plan.creates) == 1
    assert condition_of(plan, "RolledOut")[:2] == ("True", "RolledOut")


def test_workspaces_of_kaito_are_adopted_as_they_are() -> None:
    manifest = inference_set(replicas=1)
    kaitos = member(manifest, "phi-x7k2p")
    del kaitos["metadata"]["labels"][labels.TEMPLATE_HASH]
    kaitos["inference"] = {"preset": {"name": "phi-2"}}
    plan = plan_of(manifest, [kaitos])
    assert plan.adopts == (("phi-x7k2p", hash_of(manifest)),)
    assert not plan.creates and not plan.deletes
    assert condition_of(plan)[:2] == ("True", "ReplicasReady")


def test_a_set_that_is_being_deleted_only_loses_kaitos_finalizer() -> None:
    manifest = inference_set()
    manifest["metadata"] |= {
        "deletionTimestamp": "2026-01-01T00:00:00Z",
        "finalizers": [labels.KAITO_SET_FINALIZER, "somebody/else"],
    }
    plan = plan_of(manifest, [member(manifest, "phi-a")])
    assert plan == SetPlan(finalizers=("somebody/else",))


@pytest.mark.parametrize(
    ("members", "condition"),
    [
        (
            {"phi-a": {}, "phi-b": {}},
            ("True", "ReplicasReady", "2 of 2 replicas serve"),
        ),
        (
            {"phi-a": {}, "phi-b": {"ready": False}},
            ("False", "ReplicasPending", "1 of 2 replicas serve; phi-b: ModelLoading: soon"),
        ),
        (
            {"phi-a": {}, "phi-b": {"ready": False, "failed": "exit code 1"}},
            (
                "False",
                "ReplicasFailed",
                "1 of 2 replicas serve; phi-b: ContainerCrashed: exit code 1",
            ),
        ),
        (
            {},
            (
                "False",
                "ReplicasPending",
                "0 of 2 replicas serve; the missing ones are being created",
            ),
        ),
    ],
    ids=["serving", "starting", "failed", "none yet"],
)
def test_readiness_says_what_the_first_replica_waits_for(
    members: dict[str, dict[str, Any]], condition: tuple[str, str, str]
) -> None:
    manifest = inference_set()
    plan = plan_of(manifest, [member(manifest, name, **given) for name, given in members.items()])
    assert condition_of(plan) == condition


def test_a_failed_roll_out_names_the_replica_and_its_cause() -> None:
    manifest = inference_set(replicas=1)
    new = member(manifest, "phi-b", ready=False, failed="exit code 1")
    plan = plan_of(manifest, [outdated(member(manifest, "phi-a")), new])
    assert not plan.creates and not plan.deletes
    assert condition_of(plan, "RolledOut") == (
        "False",
        "RollOutFailed",
        "1 of 2 replicas have the present template; phi-b: ContainerCrashed: exit code 1",
    )
    assert condition_of(plan)[:2] == ("True", "ReplicasReady")


def test_status_counts_for_an_autoscaler_and_lists_the_replicas() -> None:
    manifest = inference_set(replicas=2)
    manifest["metadata"]["generation"] = 7
    leaving = member(manifest, "phi-c", deletionTimestamp="2026-01-01T00:00:00Z")
    loading = member(manifest, "phi-b", ready=False)
    status = plan_of(manifest, [outdated(member(manifest, "phi-a")), loading, leaving]).status
    assert status is not None
    assert (status["replicas"], status["readyReplicas"], status["updatedReplicas"]) == (2, 1, 1)
    assert status["selector"] == "inferenceset.kaito.sh/created-by=phi,kaito.sh/role=inference"
    assert status["observedGeneration"] == 7
    assert status["workspaces"] == [
        {"name": "phi-a", "state": "Ready", "ready": True, "updated": False},
        {
            "name": "phi-b",
            "state": "Loading",
            "ready": False,
            "updated": True,
            "message": "ModelLoading: soon",
        },
        {"name": "phi-c", "state": "Deleting", "ready": True, "updated": True},
    ]


def test_an_old_status_of_a_workspace_is_no_failure() -> None:
    manifest = inference_set(replicas=1)
    corrected = member(manifest, "phi-a", ready=False, failed="exit code 1", generation=2)
    assert condition_of(plan_of(manifest, [corrected]))[1] == "ReplicasPending"


def test_a_manifest_under_another_schema_changes_nothing_and_names_the_field() -> None:
    manifest = inference_set(replicas="many")
    plan = plan_of(manifest, [member(inference_set(), "phi-a")])
    assert not plan.creates and not plan.deletes and plan.service is None
    status, reason, message = condition_of(plan)
    assert (status, reason) == ("False", "InferenceSetInvalid")
    assert message.startswith("spec.replicas: ")


def test_one_service_leads_to_the_pods_of_all_replicas() -> None:
    service = plan_of(inference_set()).service
    assert isinstance(service, Apply)
    assert service.manifest["metadata"]["name"] == "phi"
    assert service.manifest["spec"]["selector"] == {
        "inferenceset.kaito.sh/created-by": "phi",
        "kaito.sh/role": "inference",
    }
    ports = {(p["port"], p["targetPort"]) for p in service.manifest["spec"]["ports"]}
    assert ports == {(80, 5000), (29500, 29500)}
    assert plan_of(inference_set(), service=service.manifest).service is None


def test_an_edited_service_is_restored() -> None:
    wanted = plan_of(inference_set()).service
    assert isinstance(wanted, Apply)
    edited = {**wanted.manifest, "spec": {**wanted.manifest["spec"], "selector": {"app": "x"}}}
    assert plan_of(inference_set(), service=edited).service == wanted


def test_of_a_model_that_spans_nodes_only_the_first_pod_is_reached() -> None:
    manifest = inference_set(replicas=1)
    spanning = member(manifest, "phi-a")
    spanning["status"]["targetNodeCount"] = 2
    service = plan_of(manifest, [spanning]).service
    assert isinstance(service, Apply)
    assert service.manifest["spec"]["selector"]["apps.kubernetes.io/pod-index"] == "0"


@pytest.mark.parametrize(
    ("old_nodes", "new_nodes", "new_serves", "first_pods"),
    [(1, 2, False, False), (1, 2, True, True), (2, 1, False, True), (2, 1, True, False)],
)
def test_a_roll_out_to_more_or_fewer_nodes_keeps_the_pods_that_serve_in_the_service(
    old_nodes: int, new_nodes: int, new_serves: bool, first_pods: bool
) -> None:
    manifest = inference_set(replicas=1)
    old = outdated(member(manifest, "phi-old"))
    new = member(manifest, "phi-new", ready=new_serves)
    old["status"]["targetNodeCount"] = old_nodes
    new["status"]["targetNodeCount"] = new_nodes
    plan = plan_of(manifest, [old, new])
    # The old one goes once the new one serves.
    assert plan.deletes == (("phi-old",) if new_serves else ())
    assert isinstance(plan.service, Apply)
    selector = plan.service.manifest["spec"]["selector"]
    assert ("apps.kubernetes.io/pod-index" in selector) is first_pods


def test_own_pods_get_a_service_for_the_port_that_they_declare() -> None:
    def own(**container: Any) -> Manifest:
        pods = {"spec": {"containers": [{"name": "own", "image": "own:1", **container}]}}
        return {**template(), "inference": {"template": pods}}

    service = plan_of(inference_set(template=own(ports=[{"containerPort": 8080}]))).service
    assert isinstance(service, Apply)
    assert service.manifest["spec"]["ports"][0]["targetPort"] == 8080
    portless = inference_set(template=own())
    assert plan_of(portless).service is None
    before = manifests.service(portless, 8080, first_pods_only=False)
    assert isinstance(plan_of(portless, service=before).service, Delete)


def test_a_service_of_somebody_else_is_not_touched() -> None:
    foreign = {"metadata": {"name": "phi", "namespace": NAMESPACE, "uid": "w"}, "spec": {}}
    plan = plan_of(inference_set(), service=foreign)
    assert plan.service is None and len(plan.creates) == 2
    assert condition_of(plan) == (
        "False",
        "NameTaken",
        "Service team/phi exists and does not belong to this InferenceSet: delete it, or give the "
        "InferenceSet another name; the replicas serve without it (0 of 2 replicas serve)",
    )


def test_a_change_of_a_reason_is_an_event_and_the_same_again_is_none() -> None:
    manifest = inference_set(replicas=1)
    plan = plan_of(manifest, [member(manifest, "phi-a")])
    assert [(event.warning, event.reason) for event in plan.events] == [
        (False, "ReplicasReady"),
        (False, "RolledOut"),
    ]
    manifest["status"] = plan.status
    assert plan_of(manifest, [member(manifest, "phi-a")]).events == ()
