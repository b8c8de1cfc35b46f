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
from tests.workspace_controller.harness import Scene
from workspace_controller.node_reservations import worker_nodes_of
from workspace_controller.observed import Observed, TuningRun
from workspace_controller.plan.spec import referenced_secrets
from workspace_controller.validator import Validator


async def seen(scene: Scene, name: str = "ws") -> Observed:
    scene.replica.look()
    return await scene.replica.reconciler.observer.observe(scene.workspace(name))


def reads(scene: Scene) -> list[str]:
    return [f"{c.kind} {c.key}" for c in scene.cluster.calls if c.verb in ("get", "list")]


async def test_tuning_workspace_reads_its_configuration_and_secret() -> None:
    scene = Scene()
    scene.apply(tuning_workspace())
    observed = await seen(scene)
    assert reads(scene) == [
        f"ConfigMap {RELEASE}/qlora-params-template",
        f"Secret {NAMESPACE}/push",
    ]
    assert observed.file is not None and observed.file.text == CONFIG
    assert observed.secrets["tuning.output.imagePushSecret"].missing


async def test_user_configuration_for_tuning_is_read() -> None:
    scene = Scene()
    own = {"name": "mine", "namespace": NAMESPACE}
    scene.cluster.seed(kinds.CONFIG_MAP, {"metadata": own, "data": {"other": "x"}})
    scene.apply(tuning_workspace(tuning=tuning(config="mine")))
    observed = await seen(scene)
    assert observed.file is not None and (observed.file.config_map, observed.file.text) == (
        "mine",
        None,
    )


async def test_nothing_is_read_when_nothing_is_referenced() -> None:
    scene = Scene()
    scene.apply(inference_workspace())
    await seen(scene)
    assert reads(scene) == []


async def test_content_of_secrets_is_not_kept() -> None:
    scene = Scene()
    scene.push_secret()
    scene.apply(tuning_workspace())
    assert "e30=" not in repr(await seen(scene))


async def test_deletion_lists_claims_from_the_api_server() -> None:
    scene = Scene()
    scene.apply(inference_workspace())
    await scene.replica.round()
    await scene.cluster.delete(kinds.WORKSPACE, "ws", NAMESPACE)
    scene.replica.look()
    scene.replica.store.replace_all(kinds.MACHINE, ())
    observed = await scene.replica.reconciler.observer.observe(scene.workspace())
    assert len(observed.claims) == 1


async def test_failed_list_is_not_an_empty_list() -> None:
    scene = Scene()
    scene.apply(inference_workspace())
    await scene.replica.round()
    await scene.cluster.delete(kinds.WORKSPACE, "ws", NAMESPACE)
    scene.cluster.fail_next("list", errors.Unavailable("later"), kinds.MACHINE)
    scene.replica.look()
    with pytest.raises(errors.Unavailable):
        await scene.replica.reconciler.observer.observe(scene.workspace())


async def test_progress_is_requested_while_the_trainer_runs() -> None:
    scene = Scene()
    scene.push_secret()
    scene.replica.tuning.run = TuningRun(state="RUNNING", step=1, total_steps=2)
    scene.apply(tuning_workspace())
    await scene.settle()
    assert set(scene.replica.tuning.addresses) == {"10.0.0.1"}
    before = len(scene.replica.tuning.addresses)
    await scene.replica.round()
    assert len(scene.replica.tuning.addresses) == before


@pytest.mark.parametrize("provisioner", ["machine", "byo"])
async def test_concurrent_passes_do_not_reserve_the_same_node(provisioner: str) -> None:
    scene = Scene(settings(node_provisioner=provisioner))
    scene.cluster.seed(kinds.NODE, node("free"))
    type_ = None if provisioner == "byo" else INSTANCE
    for name in ("one", "two"):
        scene.apply(inference_workspace(name, resource=resource(instanceType=type_)))
    scene.replica = scene.new_replica(Crashing(scene.cluster, NEVER, "before"))
    scene.replica.look()
    passes = [scene.replica.reconciler.reconcile(Key(NAMESPACE, n)) for n in ("one", "two")]
    await asyncio.gather(*passes)
    took = [worker_nodes_of(scene.workspace(name)) for name in ("one", "two")]
    assert sorted(took, key=len) == [frozenset(), {"free"}]


async def test_two_workspaces_with_one_free_node_get_a_node_each() -> None:
    scene = Scene()
    scene.cluster.seed(kinds.NODE, node("free"))
    for name in ("one", "two"):
        scene.apply(inference_workspace(name))
    await scene.settle()
    assert {scene.workspace(n)["status"]["state"] for n in ("one", "two")} == {"Ready"}
    assert len(scene.cluster.objects(kinds.MACHINE)) == 1


async def test_gpus_of_byo_nodes_come_from_labels() -> None:
    scene = Scene(settings(node_provisioner="byo"))
    facts = {"nvidia.com/gpu.count": "2", "nvidia.com/gpu.memory": "16384"}
    scene.cluster.seed(kinds.NODE, node("mine", labels=facts, gpus=2))
    scene.apply(inference_workspace(resource=resource(instanceType=None)))
    observed = await seen(scene)
    assert observed.gpus is not None and (observed.gpus.count, observed.gpus.memory_gib) == (
        2,
        16.0,
    )


async def test_claims_of_an_earlier_workspace_are_orphaned() -> None:
    scene = Scene()
    scene.apply(inference_workspace())
    await scene.replica.round()
    scene.cluster.change(kinds.WORKSPACE, Key(NAMESPACE, "ws"), None)
    scene.apply(inference_workspace(metadata={"uid": "another"}))
    observed = await seen(scene)
    assert (len(observed.claims), len(observed.orphaned_claims)) == (0, 1)
    await scene.settle()
    (claim,) = scene.cluster.objects(kinds.MACHINE)
    assert claim["metadata"]["labels"]["kaito.sh/workspace-uid"] == "another"


async def test_all_referenced_secrets_are_read() -> None:
    scene = Scene()
    preset = {
        "name": "phi-4",
        "presetOptions": {"imagePullSecrets": ["a"], "modelAccessSecret": "b"},
    }
    adapter = {"source": {"name": "x", "image": "r/x:1", "imagePullSecrets": ["c"]}}
    scene.apply(inference_workspace(inference=inference(preset=preset, adapters=[adapter])))
    observed = await seen(scene)
    assert observed.spec is not None
    assert referenced_secrets(observed.spec) == {
        "inference.preset.presetOptions.imagePullSecrets[0]": "a",
        "inference.preset.presetOptions.modelAccessSecret": "b",
        "inference.adapters[0].source.imagePullSecrets[0]": "c",
    }


async def test_schema_violation_names_the_field() -> None:
    scene = Scene()
    scene.apply(workspace(resource={}))
    observed = await seen(scene)
    assert observed.spec is None and "resource.labelSelector" in observed.spec_problem


@pytest.mark.parametrize(
    ("manifest", "reasons"),
    [
        (tuning_workspace(), []),
        (tuning_workspace(tuning=tuning(config="nope")), ["ConfigMapMissing"]),
        (workspace(resource={}), ["WorkspaceInvalid"]),
        (inference_workspace(inference=inference(preset={"name": "zzz"})), ["PresetUnknown"]),
    ],
    ids=["right", "no ConfigMap", "no schema", "no preset"],
)
async def test_candidate_is_validated(manifest: Manifest, reasons: list[str]) -> None:
    scene = Scene()
    scene.replica.look()
    about = {**manifest, "metadata": {"uid": "", **manifest["metadata"]}}
    found = await Validator(scene.replica.reconciler.observer).check(about)
    assert [problem.reason for problem in found] == reasons


async def test_user_configuration_for_inference_is_read() -> None:
    scene = Scene()
    scene.apply(inference_workspace(inference=inference(config="mine")))
    observed = await seen(scene)
    assert observed.file is not None and observed.file.key == "inference_config.yaml"


async def test_workspace_deleted_during_its_pass_is_removed_from_the_store() -> None:
    scene = Scene()
    scene.apply(inference_workspace())
    scene.replica.look()
    scene.cluster.change(kinds.WORKSPACE, Key(NAMESPACE, "ws"), None)
    assert await scene.replica.reconciler.reconcile(Key(NAMESPACE, "ws")) is None
    assert scene.replica.store.get(kinds.WORKSPACE, Key(NAMESPACE, "ws")) is None


async def test_claims_are_kept_when_the_store_is_behind() -> None:
    scene = Scene()
    scene.apply(inference_workspace())
    await scene.replica.round()
    scene.replica.look()
    scene.replica.store.replace_all(kinds.WORKSPACE, ())
    await scene.replica.reconciler.reconcile(Key(NAMESPACE, "ws"))
    (claim,) = scene.cluster.objects(kinds.MACHINE)
    assert "deletionTimestamp" not in claim["metadata"]
    assert scene.replica.store.get(kinds.WORKSPACE, Key(NAMESPACE, "ws")) is not None
