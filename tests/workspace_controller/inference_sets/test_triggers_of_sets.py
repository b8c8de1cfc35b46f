"""What makes an InferenceSet be looked at."""

from kaito_kube.kinds import INFERENCE_SET, WORKSPACE, Key, Manifest, key_of
from kaito_kube.store import Store
from tests.workspace_controller.given import inference_workspace
from tests.workspace_controller.inference_sets.given_sets import inference_set, member
from workspace_controller.inference_sets.triggers import SetTriggers

KEY = Key("team", "phi")


def with_store() -> tuple[Store, list[Key]]:
    store, found = Store(), list[Key]()
    SetTriggers(store, found.append)
    return store, found


def changed(manifest: Manifest, version: str, **metadata: object) -> Manifest:
    return {
        **manifest,
        "metadata": {**manifest["metadata"], "resourceVersion": version, **metadata},
    }


def test_a_new_generation_does_and_a_status_does_not() -> None:
    store, found = with_store()
    store.upsert(INFERENCE_SET, changed(inference_set(), "1"))
    store.upsert(INFERENCE_SET, {**changed(inference_set(), "2"), "status": {"replicas": 1}})
    assert found == [KEY]
    store.upsert(INFERENCE_SET, changed(inference_set(), "3", generation=2))
    assert found == [KEY, KEY]


def test_every_change_of_its_workspaces_does() -> None:
    store, found = with_store()
    own = member(inference_set(), "phi-a")
    store.upsert(WORKSPACE, own)
    store.remove(WORKSPACE, key_of(own))
    assert found == [KEY, KEY]


def test_other_workspaces_do_not() -> None:
    store, found = with_store()
    store.upsert(WORKSPACE, inference_workspace())
    assert found == []
