"""What an observation reads, and when."""

import asyncio

import pytest

from kaito_kube import errors, kinds
from kaito_kube.kinds import Key, Manifest
from tests.workspace_controller.crashing import NEVER, Crashing
from tests.workspace_controller.given import (
    CONFIG,
    INSTANCE,
    NAMESPACE,
    RELEASE,
    inference,
    inference_workspace,
    node,
    resource,
    settings,
    tuning,
    tuning_workspace,
    workspace,
)
from tests.workspace_controller.harness import Environment
from workspace_controller.node_reservations import worker_nodes_of
from workspace_controller.observed import ModelDownload, Observed, RejectedAdapter, TuningRun
from workspace_controller.plan.spec import referenced_secrets
from workspace_controller.webhook.validator import Validator

IN_VOLUME = {"volumeSource": {"persistentVolumeClaim": {"claimName": "rows"}}}


async def seen(environment: Environment, name: str = "ws") -> Observed:
    environment.replica.look()
    return await environment.replica.reconciler.observer.observe(environment.workspace(name))


def reads(environment: Environment) -> list[str]:
    return [f"{c.kind} {c.key}" for c in environment.cluster.calls if c.verb in ("get", "list")]


async def test_tuning_workspace_reads_its_configuration_its_secret_and_where_volumes_are() -> None:
    environment = Environment()
    environment.apply(tuning_workspace())
    observed = await seen(environment)
    assert reads(environment) == [
        f"ConfigMap {RELEASE}/qlora-params-template",
        "StorageClass ",
        f"Secret {NAMESPACE}/push",
    ]
    assert observed.file is not None and observed.file.text == CONFIG
    assert observed.secrets["tuning.output.imagePushSecret"].missing


async def test_user_configuration_for_tuning_is_read() -> None:
    environment = Environment()
    own = {"name": "mine", "namespace": NAMESPACE}
    environment.cluster.seed(kinds.CONFIG_MAP, {"metadata": own, "data": {"other": "x"}})
    environment.apply(tuning_workspace(tuning=tuning(config="mine")))
    observed = await seen(environment)
    assert observed.file is not None and (observed.file.config_map, observed.file.text) == (
        "mine",
        None,
    )


async def test_nothing_is_read_when_nothing_is_referenced() -> None:
    environment = Environment()
    environment.apply(inference_workspace())
    await seen(environment)
    assert reads(environment) == []


async def test_content_of_secrets_is_not_kept() -> None:
    environment = Environment()
    environment.push_secret()
    environment.apply(tuning_workspace())
    assert "e30=" not in repr(await seen(environment))


async def test_deletion_lists_claims_from_the_api_server() -> None:
    environment = Environment()
    environment.apply(inference_workspace())
    await environment.replica.round()
    await environment.cluster.delete(kinds.WORKSPACE, "ws", NAMESPACE)
    environment.replica.look()
    environment.replica.store.replace_all(kinds.MACHINE, ())
    observed = await environment.replica.reconciler.observer.observe(environment.workspace())
    assert len(observed.claims) == 1


async def test_failed_list_is_not_an_empty_list() -> None:
    environment = Environment()
    environment.apply(inference_workspace())
    await environment.replica.round()
    await environment.cluster.delete(kinds.WORKSPACE, "ws", NAMESPACE)
    environment.cluster.fail_next("list", errors.Unavailable("later"), kinds.MACHINE)
    environment.replica.look()
    with pytest.raises(errors.Unavailable):
        await environment.replica.reconciler.observer.observe(environment.workspace())


async def test_progress_is_requested_while_the_trainer_runs() -> None:
    environment = Environment()
    environment.push_secret()
    environment.replica.tuning.run = TuningRun(state="RUNNING", step=1, total_steps=2)
    environment.apply(tuning_workspace())
    await environment.settle()
    assert set(environment.replica.tuning.addresses) == {"10.0.0.1"}
    before = len(environment.replica.tuning.addresses)
    await environment.replica.round()
    assert len(environment.replica.tuning.addresses) == before


async def test_adapters_that_did_not_load_are_named_and_warned_of_once() -> None:
    environment = Environment()
    cause = "rank is 0"
    rejected = {"10.0.0.1": (RejectedAdapter("style", cause),)}
    environment.replica.adapters.pods = rejected
    adapters = [{"source": {"name": "style", "image": "registry.local/style:1"}}]
    environment.apply(inference_workspace(inference=inference(adapters=adapters)))
    await environment.settle()
    ready = next(
        c for c in environment.workspace()["status"]["conditions"] if c["type"] == "InferenceReady"
    )
    assert (ready["status"], ready["reason"]) == ("True", "AdapterNotLoaded")
    assert ready["message"].endswith("without 1 adapter: style: rank is 0")
    warned = [
        (event["type"], event["note"])
        for event in environment.cluster.objects(kinds.EVENT)
        if event["reason"] == "AdapterNotLoaded"
    ]
    assert warned == [("Warning", f"InferenceReady=True: {ready['message']}")]


async def test_no_model_server_is_asked_about_adapters_that_it_does_not_have() -> None:
    environment = Environment()
    environment.apply(inference_workspace())
    await environment.settle()
    assert environment.replica.adapters.addresses == []


@pytest.mark.parametrize("provisioner", ["machine", "byo"])
async def test_concurrent_passes_do_not_reserve_the_same_node(provisioner: str) -> None:
    environment = Environment(settings(node_provisioner=provisioner))
    environment.cluster.seed(kinds.NODE, node("free"))
    type_ = None if provisioner == "byo" else INSTANCE
    for name in ("one", "two"):
        environment.apply(inference_workspace(name, resource=resource(instanceType=type_)))
    environment.replica = environment.new_replica(Crashing(environment.cluster, NEVER, "before"))
    environment.replica.look()
    passes = [environment.replica.reconciler.reconcile(Key(NAMESPACE, n)) for n in ("one", "two")]
    await asyncio.gather(*passes)
    took = [worker_nodes_of(environment.workspace(name)) for name in ("one", "two")]
    assert sorted(took, key=len) == [frozenset(), {"free"}]


async def test_two_workspaces_with_one_free_node_get_a_node_each() -> None:
    environment = Environment()
    environment.cluster.seed(kinds.NODE, node("free"))
    for name in ("one", "two"):
        environment.apply(inference_workspace(name))
    await environment.settle()
    assert {environment.workspace(n)["status"]["state"] for n in ("one", "two")} == {"Ready"}
    assert len(environment.cluster.objects(kinds.MACHINE)) == 1


async def test_gpus_of_byo_nodes_come_from_labels() -> None:
    environment = Environment(settings(node_provisioner="byo"))
    facts = {"nvidia.com/gpu.count": "2", "nvidia.com/gpu.memory": "16384"}
    environment.cluster.seed(kinds.NODE, node("mine", labels=facts, gpus=2))
    environment.apply(inference_workspace(resource=resource(instanceType=None)))
    observed = await seen(environment)
    assert observed.gpus is not None and (observed.gpus.count, observed.gpus.memory_gib) == (
        2,
        16.0,
    )


async def test_claims_of_an_earlier_workspace_are_orphaned() -> None:
    environment = Environment()
    environment.apply(inference_workspace())
    await environment.replica.round()
    environment.cluster.change(kinds.WORKSPACE, Key(NAMESPACE, "ws"), None)
    environment.apply(inference_workspace(metadata={"uid": "another"}))
    observed = await seen(environment)
    assert (len(observed.claims), len(observed.orphaned_claims)) == (0, 1)
    await environment.settle()
    (claim,) = environment.cluster.objects(kinds.MACHINE)
    assert claim["metadata"]["labels"]["kaito.sh/workspace-uid"] == "another"


async def test_claims_of_a_namesake_in_another_namespace_are_not_its_own() -> None:
    environment = Environment()
    environment.apply(inference_workspace())
    await environment.replica.round()
    environment.apply(inference_workspace(metadata={"namespace": "other", "uid": "another"}))
    environment.replica.look()
    namesake = environment.cluster.peek(kinds.WORKSPACE, "ws", "other")
    assert namesake is not None
    observed = await environment.replica.reconciler.observer.observe(namesake)
    assert (observed.claims, observed.orphaned_claims) == ((), ())


async def test_all_referenced_secrets_are_read() -> None:
    environment = Environment()
    preset = {
        "name": "phi-4",
        "presetOptions": {"imagePullSecrets": ["a"], "modelAccessSecret": "b"},
    }
    adapter = {"source": {"name": "x", "image": "r/x:1", "imagePullSecrets": ["c"]}}
    environment.apply(inference_workspace(inference=inference(preset=preset, adapters=[adapter])))
    observed = await seen(environment)
    assert observed.spec is not None
    assert referenced_secrets(observed.spec) == {
        "inference.preset.presetOptions.imagePullSecrets[0]": "a",
        "inference.preset.presetOptions.modelAccessSecret": "b",
        "inference.adapters[0].source.imagePullSecrets[0]": "c",
    }


async def test_schema_violation_names_the_field() -> None:
    environment = Environment()
    environment.apply(workspace(resource={}))
    observed = await seen(environment)
    assert observed.spec is None and "resource.labelSelector" in observed.spec_problem


@pytest.mark.parametrize(
    ("manifest", "reasons"),
    [
        (inference_workspace(), []),
        (tuning_workspace(), ["SecretMissing"]),
        (
            tuning_workspace(tuning=tuning(config="nope", input=IN_VOLUME)),
            ["ConfigMapMissing", "SecretMissing", "VolumeClaimMissing"],
        ),
        (workspace(resource={}), ["WorkspaceInvalid"]),
        (inference_workspace(inference=inference(preset={"name": "zzz"})), ["PresetUnknown"]),
    ],
    ids=["right", "no Secret", "no ConfigMap", "no schema", "no preset"],
)
async def test_candidate_is_validated(manifest: Manifest, reasons: list[str]) -> None:
    environment = Environment()
    environment.replica.look()
    about = {**manifest, "metadata": {"uid": "", **manifest["metadata"]}}
    found = await Validator(environment.replica.reconciler.observer).check(about)
    assert [problem.reason for problem in found] == reasons


async def test_user_configuration_for_inference_is_read() -> None:
    environment = Environment()
    environment.apply(inference_workspace(inference=inference(config="mine")))
    observed = await seen(environment)
    assert observed.file is not None and observed.file.key == "inference_config.yaml"


async def test_workspace_deleted_during_its_pass_is_removed_from_the_store() -> None:
    environment = Environment()
    environment.apply(inference_workspace())
    environment.replica.look()
    environment.cluster.change(kinds.WORKSPACE, Key(NAMESPACE, "ws"), None)
    assert await environment.replica.reconciler.reconcile(Key(NAMESPACE, "ws")) is None
    assert environment.replica.store.get(kinds.WORKSPACE, Key(NAMESPACE, "ws")) is None


async def test_claims_are_kept_when_the_store_is_behind() -> None:
    environment = Environment()
    environment.apply(inference_workspace())
    await environment.replica.round()
    environment.replica.look()
    environment.replica.store.replace_all(kinds.WORKSPACE, ())
    await environment.replica.reconciler.reconcile(Key(NAMESPACE, "ws"))
    (claim,) = environment.cluster.objects(kinds.MACHINE)
    assert "deletionTimestamp" not in claim["metadata"]
    assert environment.replica.store.get(kinds.WORKSPACE, Key(NAMESPACE, "ws")) is not None


FORBIDDEN = 'pods "ws-x" is forbidden: exceeded quota: team-quota'


def failed_create(minute: int, message: str, **changes: object) -> Manifest:
    return {
        "metadata": {"name": f"event-{minute}-{len(message)}", "namespace": NAMESPACE},
        "involvedObject": {"kind": "Job", "uid": "job-1"},
        "reason": "FailedCreate",
        "lastTimestamp": f"2026-01-01T00:{minute:02d}:00Z",
        "message": message,
        **changes,
    }


async def with_job(*events: Manifest, pods: int = 0) -> tuple[Environment, Observed]:
    environment = Environment()
    environment.apply(tuning_workspace())
    owner = environment.workspace()["metadata"]["uid"]
    labels = {"kaito.sh/workspace": "ws", "kaito.sh/workspacenamespace": NAMESPACE}
    metadata: Manifest = {"namespace": NAMESPACE, "labels": labels}
    owners = [{"uid": owner, "controller": True}]
    job = {**metadata, "name": "ws", "uid": "job-1", "ownerReferences": owners}
    environment.cluster.seed(kinds.JOB, {"metadata": job})
    for index in range(pods):
        pod = {**metadata, "name": f"ws-{index}", "ownerReferences": [{"uid": "job-1"}]}
        environment.cluster.seed(kinds.POD, {"metadata": pod})
    for event in events:
        environment.cluster.seed(kinds.CORE_EVENT, event)
    environment.cluster.calls.clear()
    return environment, await seen(environment)


async def test_job_without_a_pod_has_the_newest_message_of_its_events() -> None:
    _, observed = await with_job(
        failed_create(1, "Error creating: something else"),
        failed_create(2, f"Error creating: {FORBIDDEN}"),
        failed_create(3, "Created pod: ws-1", reason="SuccessfulCreate"),
        failed_create(4, "Error creating: of another", involvedObject={"uid": "job-2"}),
    )
    assert observed.forbidden_pods == {"job-1": FORBIDDEN}


async def test_events_are_read_only_while_there_is_no_pod() -> None:
    environment, observed = await with_job(failed_create(2, FORBIDDEN), pods=1)
    assert observed.forbidden_pods == {}
    assert not [call for call in environment.cluster.calls if call.kind is kinds.CORE_EVENT]


async def test_old_events_are_not_shown() -> None:
    old = failed_create(2, FORBIDDEN, lastTimestamp="2025-12-31T23:00:00Z")
    _, observed = await with_job(old)
    assert observed.forbidden_pods == {}


async def test_a_pod_that_downloads_its_model_is_asked_how_far_it_is() -> None:
    environment = Environment()
    environment.apply(inference_workspace())
    await environment.settle()
    (present, *_) = environment.cluster.objects(kinds.POD)
    running = [{"name": "model-download", "state": {"running": {}}}]
    status = {"podIP": "10.0.0.7", "initContainerStatuses": running}
    environment.cluster.seed(kinds.POD, {**present, "status": status})
    download = ModelDownload(done_bytes=1, total_bytes=4)
    environment.replica.downloads.pods = {"10.0.0.7": download}
    assert (await seen(environment)).download == download
    environment.cluster.seed(kinds.POD, {**present, "status": {"podIP": "10.0.0.7"}})
    assert (await seen(environment)).download is None
    assert environment.replica.downloads.addresses == ["10.0.0.7"]
