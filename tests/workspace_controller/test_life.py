"""The whole life of a Workspace: applied, provisioned, tuned, served, deleted."""

import pytest

from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.errors import ClusterError
from kaito_kube.kinds import Key, Manifest
from tests.workspace_controller.given import (
    DIGEST,
    NAMESPACE,
    inference_workspace,
    resource,
    settings,
    tuning_workspace,
    workspace,
)
from tests.workspace_controller.harness import Scene


def conditions(manifest: Manifest) -> dict[str, str]:
    return {c["type"]: f"{c['status']}/{c['reason']}" for c in manifest["status"]["conditions"]}


async def settled(manifest: Manifest, **changes: object) -> Scene:
    scene = Scene(settings(**changes))
    scene.push_secret()
    scene.apply(manifest)
    await scene.settle()
    return scene


async def test_tuning_workspace_becomes_ready() -> None:
    scene = await settled(tuning_workspace())
    made = scene.workspace()
    assert made["status"]["state"] == "Ready"
    assert conditions(made) == {
        "MachineReady": "True/NodesProvisioned",
        "NodesReady": "True/NodesReady",
        "ResourceReady": "True/NodesReady",
        "JobStarted": "True/TuningSucceeded",
        "TuningSucceeded": "True/TuningSucceeded",
        "InferenceReady": "True/InferenceReady",
        "WorkspaceSucceeded": "True/WorkspaceReady",
        "WorkspaceReady": "True/WorkspaceReady",
    }
    assert made["status"]["adapter"]["digest"] == DIGEST
    assert made["status"]["nodes"] == "1/1"


async def test_tuned_adapter_is_served_by_digest_under_the_workspaces_name() -> None:
    scene = await settled(tuning_workspace())
    deployment = scene.cluster.peek(kinds.DEPLOYMENT, "ws", NAMESPACE)
    assert deployment is not None
    spec = deployment["spec"]["template"]["spec"]
    images = [v["image"]["reference"] for v in spec["volumes"] if "image" in v]
    assert f"registry.local/adapters/phi@{DIGEST}" in images
    env = {e["name"]: e.get("value") for e in spec["containers"][0]["env"]}
    assert env["KAITO_DEFAULT_ADAPTER"] == "ws"
    assert {"name": "push"} in spec["imagePullSecrets"]


async def test_service_publishes_unready_pods_only_while_training() -> None:
    scene = Scene()
    scene.push_secret()
    scene.apply(tuning_workspace())
    for _ in range(4):
        await scene.replica.round()
        scene.world.step()
    training = scene.cluster.peek(kinds.SERVICE, "ws", NAMESPACE)
    await scene.settle()
    serving = scene.cluster.peek(kinds.SERVICE, "ws", NAMESPACE)
    assert training is not None and serving is not None
    assert training["spec"]["publishNotReadyAddresses"] is True
    assert serving["spec"]["publishNotReadyAddresses"] is False
    assert [p["port"] for p in serving["spec"]["ports"]] == [80, 29500]


async def test_inference_workspace_is_served() -> None:
    scene = await settled(inference_workspace())
    assert scene.workspace()["status"]["state"] == "Ready"
    assert not scene.cluster.objects(kinds.JOB)


async def test_node_claims_can_replace_machines() -> None:
    scene = Scene(settings(node_provisioner="nodeclaim"))
    scene.apply(inference_workspace())
    await scene.replica.round()
    await scene.replica.round()
    (claim,) = scene.cluster.objects(kinds.NODE_CLAIM)
    assert claim["metadata"]["labels"]["karpenter.sh/nodepool"] == "kaito"
    assert not scene.cluster.objects(kinds.MACHINE)
    assert "NodeClaimReady" in conditions(scene.workspace())


@pytest.mark.parametrize("provisioner", ["nodeclaim", "nodepool", "byo"])
async def test_changed_node_provisioner_keeps_and_later_releases_claims(
    provisioner: str,
) -> None:
    scene = await settled(inference_workspace())
    scene.settings = settings(node_provisioner=provisioner)
    scene.replica = scene.new_replica()
    await scene.settle()
    assert len(scene.cluster.objects(kinds.MACHINE)) == 1
    assert not scene.cluster.objects(kinds.NODE_CLAIM) + scene.cluster.objects(kinds.NODE_POOL)
    assert conditions(scene.workspace())["InferenceReady"] == "True/InferenceReady"
    await scene.cluster.delete(kinds.WORKSPACE, "ws", NAMESPACE)
    await scene.settle()
    assert not scene.cluster.objects(kinds.MACHINE)
    assert scene.cluster.peek(kinds.WORKSPACE, "ws", NAMESPACE) is None


async def test_serve_tuned_model_false_ends_after_the_push_and_releases_nodes() -> None:
    unserved = tuning_workspace(annotations={labels.SERVE_TUNED_MODEL: "false"})
    scene = await settled(unserved)
    made = scene.workspace()
    assert made["status"]["state"] == "Succeeded"
    assert conditions(made)["WorkspaceSucceeded"] == "True/WorkspaceSucceeded"
    assert conditions(made)["InferenceReady"] == "False/NotServed"
    assert not scene.cluster.objects(kinds.MACHINE)
    assert not scene.cluster.objects(kinds.DEPLOYMENT)


async def test_missing_push_secret_delays_node_requests() -> None:
    scene = Scene()
    scene.apply(tuning_workspace())
    await scene.settle()
    reported = conditions(scene.workspace())
    assert reported["ResourceReady"] == "False/SecretMissing"
    assert scene.workspace()["status"]["state"] == "Pending"
    assert not scene.cluster.objects(kinds.MACHINE)
    scene.push_secret()
    await scene.settle()
    assert scene.workspace()["status"]["state"] == "Ready"


async def test_changed_output_tag_trains_again_and_serves_the_new_adapter() -> None:
    scene = await settled(tuning_workspace())
    (job,) = scene.cluster.objects(kinds.JOB)
    patch = {"tuning": {"output": {"image": "registry.local/adapters/phi:2"}}}
    scene.cluster.change(kinds.WORKSPACE, Key(NAMESPACE, "ws"), patch)
    await scene.replica.round()
    assert "adapter" not in scene.workspace()["status"]
    assert not scene.cluster.objects(kinds.DEPLOYMENT)
    await scene.settle()
    (anew,) = scene.cluster.objects(kinds.JOB)
    assert anew["metadata"]["uid"] != job["metadata"]["uid"]
    assert scene.workspace()["status"]["state"] == "Ready"
    assert scene.world.most_claims == 1


async def test_changed_push_secret_after_the_push_does_not_train_again() -> None:
    scene = await settled(tuning_workspace())
    patch = {"tuning": {"output": {"imagePushSecret": "push-2"}}}
    scene.cluster.change(kinds.WORKSPACE, Key(NAMESPACE, "ws"), patch)
    await scene.settle()
    assert len(scene.world.jobs_seen) == 1
    assert scene.workspace()["status"]["adapter"]["digest"] == DIGEST


async def test_two_workspaces_with_one_selector_get_a_node_each() -> None:
    scene = Scene()
    for name in ("one", "two"):
        scene.apply(inference_workspace(name))
    await scene.settle()
    assert {scene.workspace(n)["status"]["state"] for n in ("one", "two")} == {"Ready"}
    assert len(scene.cluster.objects(kinds.MACHINE)) == 2


async def test_custom_template_is_served() -> None:
    ports = [{"name": "http", "containerPort": 8000}]
    template = {"spec": {"containers": [{"name": "own", "image": "i", "ports": ports}]}}
    scene = await settled(workspace(resource=resource(count=1), inference={"template": template}))
    service = scene.cluster.peek(kinds.SERVICE, "ws", NAMESPACE)
    assert service is not None
    assert service["spec"]["ports"] == [
        {"name": "http", "port": 80, "targetPort": 8000, "protocol": "TCP"}
    ]
    assert scene.workspace()["status"]["state"] == "Ready"


@pytest.mark.parametrize("rounds", range(14))
async def test_deletion_at_any_moment_leaves_nothing(rounds: int) -> None:
    scene = Scene()
    scene.push_secret()
    scene.apply(tuning_workspace())
    for _ in range(rounds):
        await scene.replica.round()
        scene.world.step()
    await scene.cluster.delete(kinds.WORKSPACE, "ws", NAMESPACE)
    await scene.settle()
    left = (kinds.WORKSPACE, kinds.MACHINE, kinds.NODE, kinds.POD, kinds.JOB, kinds.DEPLOYMENT)
    assert {
        kind.kind: scene.cluster.objects(kind) for kind in left if scene.cluster.objects(kind)
    } == {}


async def test_deletion_on_a_cluster_without_karpenters_crds() -> None:
    scene = Scene(settings(node_provisioner="byo"))
    scene.cluster.missing_kinds = {kinds.MACHINE, kinds.NODE_CLAIM, kinds.NODE_POOL}
    scene.apply(inference_workspace(resource=resource(instanceType=None)))
    await scene.replica.round()
    await scene.cluster.delete(kinds.WORKSPACE, "ws", NAMESPACE)
    await scene.settle()
    assert scene.cluster.peek(kinds.WORKSPACE, "ws", NAMESPACE) is None


async def test_claims_are_deleted_when_the_finalizer_was_removed_by_hand() -> None:
    scene = await settled(inference_workspace())
    scene.cluster.change(kinds.WORKSPACE, Key(NAMESPACE, "ws"), None)
    await scene.settle()
    assert not scene.cluster.objects(kinds.MACHINE)


async def test_claim_deleted_by_the_provisioner_is_requested_again_once_gone() -> None:
    scene = await settled(inference_workspace())
    (claim,) = scene.cluster.objects(kinds.MACHINE)
    await scene.cluster.delete(kinds.MACHINE, claim["metadata"]["name"])
    await scene.settle()
    (again,) = scene.cluster.objects(kinds.MACHINE)
    assert again["metadata"]["uid"] != claim["metadata"]["uid"]
    assert scene.world.most_claims == 1
    assert scene.workspace()["status"]["state"] == "Ready"


async def test_steady_state_writes_nothing_and_does_not_requeue() -> None:
    scene = await settled(tuning_workspace())
    scene.cluster.calls.clear()
    scene.replica.look()
    again = await scene.replica.reconciler.reconcile(Key(NAMESPACE, "ws"))
    assert again is None
    assert scene.cluster.calls == []


async def test_cluster_without_the_machine_crd_is_reported() -> None:
    scene = Scene()
    scene.cluster.missing_kinds = {kinds.MACHINE}
    scene.apply(inference_workspace())
    refused: list[ClusterError] = await scene.replica.round()
    assert len(refused) == 1
    assert conditions(scene.workspace())["ResourceReady"] == "False/ProvisionerMissing"


async def test_foreign_service_is_not_changed() -> None:
    scene = Scene()
    scene.push_secret()
    other = {"metadata": {"name": "ws", "namespace": NAMESPACE}, "spec": {"type": "ClusterIP"}}
    scene.cluster.seed(kinds.SERVICE, other)
    scene.apply(inference_workspace())
    await scene.replica.round()
    await scene.replica.round()
    reported = conditions(scene.workspace())
    assert reported["ResourceReady"] == "False/NameTaken"
    kept = scene.cluster.peek(kinds.SERVICE, "ws", NAMESPACE)
    assert kept is not None and kept["spec"] == {"type": "ClusterIP"}
