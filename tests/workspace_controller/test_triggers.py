"""Which Workspaces a change enqueues, and that heartbeats enqueue none."""

from kaito_kube import kinds
from kaito_kube.kinds import Key, Manifest
from kaito_kube.store import Store
from tests.workspace_controller.given import (
    OWNER,
    inference,
    inference_workspace,
    node,
    own_node,
    tuning_workspace,
)
from workspace_controller.triggers import Triggers

WS = Key("team", "ws")


class Environment:
    def __init__(self) -> None:
        self.enqueued: list[Key] = []
        self.store = Store()
        Triggers(self.store, self.enqueued.append)
        self.version = 0

    def put(self, kind: kinds.Kind, manifest: Manifest) -> list[Key]:
        self.version += 1
        version = {"resourceVersion": str(self.version)}
        self.enqueued.clear()
        metadata = {"uid": "u", **manifest["metadata"], **version}
        self.store.upsert(kind, {**manifest, "metadata": metadata})
        return list(self.enqueued)


def test_a_new_workspace_is_enqueued() -> None:
    assert Environment().put(kinds.WORKSPACE, inference_workspace()) == [WS]


def test_a_child_enqueues_its_workspace() -> None:
    pod = {"metadata": {"name": "p", "namespace": "team", "labels": OWNER.labels}}
    claim = {"metadata": {"name": "c", "labels": OWNER.labels}}
    environment = Environment()
    assert environment.put(kinds.POD, pod) == [WS]
    assert environment.put(kinds.MACHINE, claim) == [WS]
    assert environment.put(kinds.NODE, own_node()) == [WS]


def test_an_object_without_a_workspace_enqueues_nothing() -> None:
    assert Environment().put(kinds.POD, {"metadata": {"name": "p", "namespace": "team"}}) == []


def test_a_free_node_enqueues_workspaces_whose_selector_matches() -> None:
    environment = Environment()
    environment.put(kinds.WORKSPACE, inference_workspace())
    other = inference_workspace("other")
    other["resource"]["labelSelector"] = {"matchLabels": {"app": "other"}}
    environment.put(kinds.WORKSPACE, other)
    assert environment.put(kinds.NODE, node("free")) == [WS]


def test_a_heartbeat_enqueues_nothing_and_a_lost_ready_condition_does() -> None:
    environment = Environment()
    environment.put(kinds.WORKSPACE, inference_workspace())
    environment.put(kinds.NODE, node("free"))
    heartbeat = node("free")
    heartbeat["status"]["conditions"][0]["lastHeartbeatTime"] = "later"
    assert environment.put(kinds.NODE, heartbeat) == []
    assert set(environment.put(kinds.NODE, node("free", ready=False))) == {WS}


def test_a_deleted_node_enqueues_its_workspace() -> None:
    environment = Environment()
    environment.put(kinds.NODE, own_node())
    environment.enqueued.clear()
    environment.store.remove(kinds.NODE, Key("", "node-0"))
    assert environment.enqueued == [WS]
    assert environment.put(kinds.NODE, own_node()) == [WS]


def test_a_status_enqueues_nothing_and_a_users_change_does() -> None:
    environment = Environment()
    given = inference_workspace(metadata={"generation": 1})
    environment.put(kinds.WORKSPACE, given)
    assert environment.put(kinds.WORKSPACE, {**given, "status": {"state": "Ready"}}) == []
    assert environment.put(kinds.WORKSPACE, inference_workspace(metadata={"generation": 2})) == [WS]
    annotated = inference_workspace(metadata={"generation": 2}, annotations={"a": "b"})
    assert environment.put(kinds.WORKSPACE, annotated) == [WS]
    environment.enqueued.clear()
    environment.store.remove(kinds.WORKSPACE, WS)
    assert environment.enqueued == [WS]


def put_free_node(environment: Environment, *names: str) -> None:
    """A free node, and Workspaces whose selectors all match it."""
    for name in names:
        environment.put(kinds.WORKSPACE, inference_workspace(name))
    environment.put(kinds.NODE, node("free"))


def using(name: str, *nodes: str, **metadata: str) -> Manifest:
    return inference_workspace(name, metadata=metadata, status={"workerNodes": list(nodes)})


def test_a_node_that_loses_its_label_enqueues_workspaces_that_it_matched() -> None:
    environment = Environment()
    put_free_node(environment, "ws")
    assert environment.put(kinds.NODE, node("free", labels={"app": "other"})) == [WS]
    environment.put(kinds.NODE, own_node())
    assert environment.put(kinds.NODE, node("node-0", labels={"app": "other"})) == [WS]


def test_a_reserved_node_enqueues_only_workspaces_that_reserved_it_too() -> None:
    environment = Environment()
    put_free_node(environment, "ws", "two", "three")
    assert environment.put(kinds.WORKSPACE, using("two", "free")) == []
    assert environment.put(kinds.WORKSPACE, using("three", "free")) == [Key("team", "two")]


def test_a_released_node_enqueues_workspaces_that_it_matches() -> None:
    environment = Environment()
    put_free_node(environment, "ws", "two", "three")
    environment.put(kinds.WORKSPACE, using("three", "free"))
    others = {WS, Key("team", "two")}
    assert set(environment.put(kinds.WORKSPACE, using("three"))) == others
    environment.put(kinds.WORKSPACE, using("three", "free"))
    deleting = using("three", "free", deletionTimestamp="now")
    assert set(environment.put(kinds.WORKSPACE, deleting)) == {*others, Key("team", "three")}


def test_a_node_of_a_deleted_workspace_enqueues_workspaces_that_it_matches() -> None:
    environment = Environment()
    put_free_node(environment, "ws", "two")
    environment.put(kinds.WORKSPACE, using("two", "free"))
    environment.enqueued.clear()
    environment.store.remove(kinds.WORKSPACE, Key("team", "two"))
    assert set(environment.enqueued) == {WS, Key("team", "two")}


def test_a_newly_served_kind_of_claim_enqueues_every_workspace() -> None:
    environment = Environment()
    environment.store.mark_kind_missing(kinds.MACHINE)
    environment.put(kinds.WORKSPACE, inference_workspace())
    environment.enqueued.clear()
    environment.store.mark_kind_missing(kinds.POD)
    environment.store.replace_all(kinds.POD, ())
    assert environment.enqueued == []
    environment.store.replace_all(kinds.MACHINE, ())
    assert environment.enqueued == [WS]


def test_a_tuned_adapter_enqueues_the_workspaces_that_serve_it() -> None:
    environment = Environment()
    follows = {"source": {"name": "style", "workspace": "tuner"}}
    environment.put(kinds.WORKSPACE, inference_workspace(inference=inference(adapters=[follows])))
    environment.put(kinds.WORKSPACE, inference_workspace("other"))
    tuner, tuner_key = tuning_workspace("tuner"), Key("team", "tuner")
    assert environment.put(kinds.WORKSPACE, tuner) == [tuner_key, WS]
    assert environment.put(kinds.WORKSPACE, {**tuner, "status": {"state": "Tuning"}}) == []
    for digest in ("sha256:1", "sha256:2"):
        tuned = {"state": "Ready", "adapter": {"image": "r.io/a:1", "digest": digest}}
        assert environment.put(kinds.WORKSPACE, {**tuner, "status": tuned}) == [WS]
        assert environment.put(kinds.WORKSPACE, {**tuner, "status": tuned}) == []
    environment.enqueued.clear()
    environment.store.remove(kinds.WORKSPACE, tuner_key)
    assert environment.enqueued == [tuner_key, WS]


def test_a_limit_of_a_namespace_that_changes_enqueues_its_workspaces() -> None:
    environment = Environment()
    environment.put(kinds.WORKSPACE, inference_workspace())

    def namespace(name: str, **changes: str) -> list[Key]:
        return environment.put(kinds.NAMESPACE, {"metadata": {"name": name, "labels": changes}})

    assert namespace("team", app="x") == []
    limit = {"kaito.sh/max-price-per-hour": "5"}
    assert namespace("team", **limit) == [WS]
    assert namespace("team", app="y", **limit) == []
    assert namespace("other", **limit) == []
    assert namespace("team") == [WS]
