"""The whole life of a Workspace: applied, provisioned, tuned, served, deleted."""

from collections.abc import Callable

import pytest

from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.errors import ClusterError
from kaito_kube.kinds import Key, Manifest
from tests.workspace_controller.given import (
    DIGEST,
    NAMESPACE,
    inference_workspace,
    node,
    resource,
    settings,
    tuning,
    tuning_workspace,
    workspace,
)
from tests.workspace_controller.harness import Environment
from tests.workspace_controller.settling import conditions, settled


async def test_tuning_workspace_becomes_ready() -> None:
    environment = await settled(tuning_workspace())
    made = environment.workspace()
    assert made["status"]["state"] == "Ready"
    assert conditions(made) == {
        "DataChecked": "True/DataChecked",
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
    environment = await settled(tuning_workspace())
    deployment = environment.cluster.peek(kinds.DEPLOYMENT, "ws", NAMESPACE)
    assert deployment is not None
    spec = deployment["spec"]["template"]["spec"]
    images = [v["image"]["reference"] for v in spec["volumes"] if "image" in v]
    assert f"registry.local/adapters/phi@{DIGEST}" in images
    env = {e["name"]: e.get("value") for e in spec["containers"][0]["env"]}
    assert env["KAITO_DEFAULT_ADAPTER"] == "ws"
    assert {"name": "push"} in spec["imagePullSecrets"]


async def test_service_publishes_unready_pods_only_while_training() -> None:
    environment = Environment()
    environment.push_secret()
    environment.apply(tuning_workspace())
    for _ in range(4):
        await environment.replica.round()
        environment.world.step()
    training = environment.cluster.peek(kinds.SERVICE, "ws", NAMESPACE)
    await environment.settle()
    serving = environment.cluster.peek(kinds.SERVICE, "ws", NAMESPACE)
    assert training is not None and serving is not None
    assert training["spec"]["publishNotReadyAddresses"] is True
    assert serving["spec"]["publishNotReadyAddresses"] is False
    assert [p["port"] for p in serving["spec"]["ports"]] == [80, 29500]


async def test_inference_workspace_is_served() -> None:
    environment = await settled(inference_workspace())
    assert environment.workspace()["status"]["state"] == "Ready"
    assert not environment.cluster.objects(kinds.JOB)


@pytest.mark.parametrize("made", [inference_workspace, tuning_workspace])
async def test_pods_request_the_gpus_of_a_node_that_no_label_describes(
    made: Callable[..., Manifest],
) -> None:
    environment = Environment(settings(node_provisioner="byo"))
    environment.push_secret()
    environment.cluster.seed(kinds.NODE, node("mine", gpus=2))
    environment.apply(made(resource=resource(instanceType=None)))
    await environment.settle()
    assert environment.workspace()["status"]["state"] == "Ready"
    (deployment,) = environment.cluster.objects(kinds.DEPLOYMENT)
    serving = deployment["spec"]["template"]["spec"]
    pods = [[*serving["initContainers"], *serving["containers"]]]
    pods += [
        job["spec"]["template"]["spec"]["initContainers"]
        for job in environment.cluster.objects(kinds.JOB)
        if job["metadata"]["labels"][labels.ROLE] == "tuning"
    ]
    for containers in pods:
        limits = [c["resources"].get("limits", {}).get("nvidia.com/gpu") for c in containers]
        assert limits.count("2") == 1


async def test_node_claims_can_replace_machines() -> None:
    environment = Environment(settings(node_provisioner="nodeclaim"))
    environment.apply(inference_workspace())
    await environment.replica.round()
    await environment.replica.round()
    (claim,) = environment.cluster.objects(kinds.NODE_CLAIM)
    assert claim["metadata"]["labels"]["karpenter.sh/nodepool"] == "kaito"
    assert not environment.cluster.objects(kinds.MACHINE)
    assert "NodeClaimReady" in conditions(environment.workspace())


@pytest.mark.parametrize("provisioner", ["nodeclaim", "nodepool", "byo"])
async def test_changed_node_provisioner_keeps_and_later_releases_claims(
    provisioner: str,
) -> None:
    environment = await settled(inference_workspace())
    environment.settings = settings(node_provisioner=provisioner)
    environment.replica = environment.new_replica()
    await environment.settle()
    assert len(environment.cluster.objects(kinds.MACHINE)) == 1
    assert not environment.cluster.objects(kinds.NODE_CLAIM) + environment.cluster.objects(
        kinds.NODE_POOL
    )
    assert conditions(environment.workspace())["InferenceReady"] == "True/InferenceReady"
    await environment.cluster.delete(kinds.WORKSPACE, "ws", NAMESPACE)
    await environment.settle()
    assert not environment.cluster.objects(kinds.MACHINE)
    assert environment.cluster.peek(kinds.WORKSPACE, "ws", NAMESPACE) is None


async def test_serve_tuned_model_false_ends_after_the_push_and_releases_nodes() -> None:
    unserved = tuning_workspace(annotations={labels.SERVE_TUNED_MODEL: "false"})
    environment = await settled(unserved)
    made = environment.workspace()
    assert made["status"]["state"] == "Succeeded"
    assert conditions(made)["WorkspaceSucceeded"] == "True/WorkspaceSucceeded"
    assert conditions(made)["InferenceReady"] == "False/NotServed"
    assert not environment.cluster.objects(kinds.MACHINE)
    assert not environment.cluster.objects(kinds.DEPLOYMENT)


async def test_missing_push_secret_delays_node_requests() -> None:
    environment = Environment()
    environment.apply(tuning_workspace())
    await environment.settle()
    reported = conditions(environment.workspace())
    assert reported["ResourceReady"] == "False/SecretMissing"
    assert environment.workspace()["status"]["state"] == "Pending"
    assert not environment.cluster.objects(kinds.MACHINE)
    environment.push_secret()
    await environment.settle()
    assert environment.workspace()["status"]["state"] == "Ready"


async def test_missing_volume_claim_delays_node_requests() -> None:
    environment = Environment()
    environment.push_secret()
    volume = {"volumeSource": {"persistentVolumeClaim": {"claimName": "rows"}}}
    environment.apply(tuning_workspace(tuning=tuning(input=volume)))
    await environment.settle()
    reported = conditions(environment.workspace())
    assert reported["ResourceReady"] == "False/VolumeClaimMissing"
    assert environment.workspace()["status"]["state"] == "Pending"
    assert not environment.cluster.objects(kinds.MACHINE)
    claim = {"metadata": {"name": "rows", "namespace": NAMESPACE}}
    environment.cluster.seed(kinds.VOLUME_CLAIM, claim)
    await environment.settle()
    assert environment.workspace()["status"]["state"] == "Ready"


async def test_changed_output_tag_trains_again_and_serves_the_new_adapter() -> None:
    environment = await settled(tuning_workspace())
    job = environment.cluster.peek(kinds.JOB, "ws", NAMESPACE)
    assert job is not None
    patch = {"tuning": {"output": {"image": "registry.local/adapters/phi:2"}}}
    environment.cluster.change(kinds.WORKSPACE, Key(NAMESPACE, "ws"), patch)
    await environment.replica.round()
    assert "adapter" not in environment.workspace()["status"]
    assert not environment.cluster.objects(kinds.DEPLOYMENT)
    await environment.settle()
    # The node is there, so the new data needs no check that costs less.
    (second,) = environment.cluster.objects(kinds.JOB)
    assert second["metadata"]["uid"] != job["metadata"]["uid"]
    assert environment.workspace()["status"]["state"] == "Ready"
    assert environment.world.most_claims == 1


async def test_changed_push_secret_after_the_push_does_not_train_again() -> None:
    environment = await settled(tuning_workspace())
    patch = {"tuning": {"output": {"imagePushSecret": "push-2"}}}
    environment.cluster.change(kinds.WORKSPACE, Key(NAMESPACE, "ws"), patch)
    await environment.settle()
    assert len(environment.world.runs_seen) == 1
    assert environment.workspace()["status"]["adapter"]["digest"] == DIGEST


async def test_two_workspaces_with_one_selector_get_a_node_each() -> None:
    environment = Environment()
    for name in ("one", "two"):
        environment.apply(inference_workspace(name))
    await environment.settle()
    assert {environment.workspace(n)["status"]["state"] for n in ("one", "two")} == {"Ready"}
    assert len(environment.cluster.objects(kinds.MACHINE)) == 2


async def test_custom_template_is_served() -> None:
    ports = [{"name": "http", "containerPort": 8000}]
    template = {"spec": {"containers": [{"name": "own", "image": "i", "ports": ports}]}}
    environment = await settled(
        workspace(resource=resource(count=1), inference={"template": template})
    )
    service = environment.cluster.peek(kinds.SERVICE, "ws", NAMESPACE)
    assert service is not None
    assert service["spec"]["ports"] == [
        {"name": "http", "port": 80, "targetPort": 8000, "protocol": "TCP"}
    ]
    assert environment.workspace()["status"]["state"] == "Ready"


async def test_engine_in_a_custom_template_is_served_as_a_preset_is() -> None:
    ports = [{"name": "tgi", "containerPort": 8000}]
    template = {"spec": {"containers": [{"name": "own", "image": "i", "ports": ports}]}}
    environment = await settled(
        workspace(resource=resource(count=1), inference={"template": template})
    )
    service = environment.cluster.peek(kinds.SERVICE, "ws", NAMESPACE)
    assert service is not None
    assert [port["port"] for port in service["spec"]["ports"]] == [80, 29500]
    deployment = environment.cluster.peek(kinds.DEPLOYMENT, "ws", NAMESPACE)
    assert deployment is not None
    names = [each["name"] for each in deployment["spec"]["template"]["spec"]["containers"]]
    assert names == ["model-server", "inference-gateway"]
    status = environment.workspace()["status"]
    assert (status["state"], status["engine"]) == ("Ready", "text-generation-server")


@pytest.mark.parametrize("rounds", range(14))
async def test_deletion_at_any_moment_leaves_nothing(rounds: int) -> None:
    environment = Environment()
    environment.push_secret()
    environment.apply(tuning_workspace())
    for _ in range(rounds):
        await environment.replica.round()
        environment.world.step()
    await environment.cluster.delete(kinds.WORKSPACE, "ws", NAMESPACE)
    await environment.settle()
    left = (kinds.WORKSPACE, kinds.MACHINE, kinds.NODE, kinds.POD, kinds.JOB, kinds.DEPLOYMENT)
    assert {
        kind.kind: environment.cluster.objects(kind)
        for kind in left
        if environment.cluster.objects(kind)
    } == {}


async def test_deletion_on_a_cluster_without_karpenters_crds() -> None:
    environment = Environment(settings(node_provisioner="byo"))
    environment.cluster.missing_kinds = {kinds.MACHINE, kinds.NODE_CLAIM, kinds.NODE_POOL}
    environment.apply(inference_workspace(resource=resource(instanceType=None)))
    await environment.replica.round()
    await environment.cluster.delete(kinds.WORKSPACE, "ws", NAMESPACE)
    await environment.settle()
    assert environment.cluster.peek(kinds.WORKSPACE, "ws", NAMESPACE) is None


async def test_claims_are_deleted_when_the_finalizer_was_removed_by_hand() -> None:
    environment = await settled(inference_workspace())
    environment.cluster.change(kinds.WORKSPACE, Key(NAMESPACE, "ws"), None)
    await environment.settle()
    assert not environment.cluster.objects(kinds.MACHINE)


async def test_claim_deleted_by_the_provisioner_is_requested_again_once_gone() -> None:
    environment = await settled(inference_workspace())
    (claim,) = environment.cluster.objects(kinds.MACHINE)
    await environment.cluster.delete(kinds.MACHINE, claim["metadata"]["name"])
    await environment.settle()
    (again,) = environment.cluster.objects(kinds.MACHINE)
    assert again["metadata"]["uid"] != claim["metadata"]["uid"]
    assert environment.world.most_claims == 1
    assert environment.workspace()["status"]["state"] == "Ready"


async def test_steady_state_writes_nothing_and_does_not_requeue() -> None:
    environment = await settled(tuning_workspace())
    environment.cluster.calls.clear()
    environment.replica.look()
    again = await environment.replica.reconciler.reconcile(Key(NAMESPACE, "ws"))
    assert again is None
    assert environment.cluster.calls == []


async def test_cluster_without_the_machine_crd_is_reported() -> None:
    environment = Environment()
    environment.cluster.missing_kinds = {kinds.MACHINE}
    environment.apply(inference_workspace())
    refused: list[ClusterError] = await environment.replica.round()
    assert len(refused) == 1
    assert conditions(environment.workspace())["ResourceReady"] == "False/ProvisionerMissing"


async def test_foreign_service_is_not_changed() -> None:
    environment = Environment()
    environment.push_secret()
    other = {"metadata": {"name": "ws", "namespace": NAMESPACE}, "spec": {"type": "ClusterIP"}}
    environment.cluster.seed(kinds.SERVICE, other)
    environment.apply(inference_workspace())
    await environment.replica.round()
    await environment.replica.round()
    reported = conditions(environment.workspace())
    assert reported["ResourceReady"] == "False/NameTaken"
    kept = environment.cluster.peek(kinds.SERVICE, "ws", NAMESPACE)
    assert kept is not None and kept["spec"] == {"type": "ClusterIP"}
