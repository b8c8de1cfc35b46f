"""Which Workspaces a change wakes, and that heartbeats wake none."""

from kaito_kube import kinds
from kaito_kube.kinds import Key, Manifest
from kaito_kube.store import Store
from tests.workspace_controller.given import OWNER, inference_workspace, node, own_node
from workspace_controller.waking import Waker

WS = Key("team", "ws")


class Scene:
    def __init__(self) -> None:
        self.woken: list[Key] = []
        self.store = Store()
        Waker(self.store, self.woken.append)
        self.version = 0

    def put(self, kind: kinds.Kind, manifest: Manifest) -> list[Key]:
        self.version += 1
        version = {"resourceVersion": str(self.version)}
        self.woken.clear()
        metadata = {"uid": "u", **manifest["metadata"], **version}
        self.store.upsert(kind, {**manifest, "metadata": metadata})
        return list(self.woken)


def test_a_workspace_wakes_itself() -> None:
    assert Scene().put(kinds.WORKSPACE, inference_workspace()) == [WS]


def test_what_belongs_to_it_wakes_it() -> None:
    pod = {"metadata": {"name": "p", "namespace": "team", "labels": OWNER.labels}}
    claim = {"metadata": {"name": "c", "labels": OWNER.labels}}
    scene = Scene()
    assert scene.put(kinds.POD, pod) == [WS]
    assert scene.put(kinds.MACHINE, claim) == [WS]
    assert scene.put(kinds.NODE, own_node()) == [WS]


def test_what_belongs_to_nobody_wakes_nobody() -> None:
    assert Scene().put(kinds.POD, {"metadata": {"name": "p", "namespace": "team"}}) == []


def test_a_free_node_wakes_those_whose_selector_it_matches() -> None:
    scene = Scene()
    scene.put(kinds.WORKSPACE, inference_workspace())
    other = inference_workspace("other")
    other["resource"]["labelSelector"] = {"matchLabels": {"app": "other"}}
    scene.put(kinds.WORKSPACE, other)
    assert scene.put(kinds.NODE, node("free")) == [WS]


def test_a_heartbeat_wakes_nobody_and_a_change_does() -> None:
    scene = Scene()
    scene.put(kinds.WORKSPACE, inference_workspace())
    scene.put(kinds.NODE, node("free"))
    beating = node("free")
    beating["status"]["conditions"][0]["lastHeartbeatTime"] = "later"
    assert scene.put(kinds.NODE, beating) == []
    assert set(scene.put(kinds.NODE, node("free", ready=False))) == {WS}


def test_a_node_that_goes_wakes_those_that_used_it() -> None:
    scene = Scene()
    scene.put(kinds.NODE, own_node())
    scene.woken.clear()
    scene.store.remove(kinds.NODE, Key("", "node-0"))
    assert scene.woken == [WS]
    assert scene.put(kinds.NODE, own_node()) == [WS]


def test_a_status_wakes_nobody_and_what_the_user_writes_does() -> None:
    scene = Scene()
    given = inference_workspace(metadata={"generation": 1})
    scene.put(kinds.WORKSPACE, given)
    assert scene.put(kinds.WORKSPACE, {**given, "status": {"state": "Ready"}}) == []
    assert scene.put(kinds.WORKSPACE, inference_workspace(metadata={"generation": 2})) == [WS]
    asked = inference_workspace(metadata={"generation": 2}, annotations={"a": "b"})
    assert scene.put(kinds.WORKSPACE, asked) == [WS]
    scene.woken.clear()
    scene.store.remove(kinds.WORKSPACE, WS)
    assert scene.woken == [WS]


def free_of(scene: Scene, *names: str) -> None:
    """Workspaces that all want the free node."""
    for name in names:
        scene.put(kinds.WORKSPACE, inference_workspace(name))
    scene.put(kinds.NODE, node("free"))


def using(name: str, *nodes: str, **metadata: str) -> Manifest:
    return inference_workspace(name, metadata=metadata, status={"workerNodes": list(nodes)})


def test_a_node_that_loses_its_label_wakes_those_that_wanted_it() -> None:
    scene = Scene()
    free_of(scene, "ws")
    assert scene.put(kinds.NODE, node("free", labels={"app": "other"})) == [WS]
    scene.put(kinds.NODE, own_node())
    assert scene.put(kinds.NODE, node("node-0", labels={"app": "other"})) == [WS]


def test_a_node_that_is_taken_wakes_only_who_took_it_too() -> None:
    scene = Scene()
    free_of(scene, "ws", "two", "three")
    assert scene.put(kinds.WORKSPACE, using("two", "free")) == []
    assert scene.put(kinds.WORKSPACE, using("three", "free")) == [Key("team", "two")]


def test_a_node_that_is_given_up_wakes_those_that_want_it() -> None:
    scene = Scene()
    free_of(scene, "ws", "two", "three")
    scene.put(kinds.WORKSPACE, using("three", "free"))
    others = {WS, Key("team", "two")}
    assert set(scene.put(kinds.WORKSPACE, using("three"))) == others
    scene.put(kinds.WORKSPACE, using("three", "free"))
    deleting = using("three", "free", deletionTimestamp="now")
    assert set(scene.put(kinds.WORKSPACE, deleting)) == {*others, Key("team", "three")}


def test_a_node_of_a_workspace_that_is_gone_wakes_those_that_want_it() -> None:
    scene = Scene()
    free_of(scene, "ws", "two")
    scene.put(kinds.WORKSPACE, using("two", "free"))
    scene.woken.clear()
    scene.store.remove(kinds.WORKSPACE, Key("team", "two"))
    assert set(scene.woken) == {WS, Key("team", "two")}


def test_a_kind_of_claim_that_comes_wakes_all() -> None:
    scene = Scene()
    scene.store.mark_kind_missing(kinds.MACHINE)
    scene.put(kinds.WORKSPACE, inference_workspace())
    scene.woken.clear()
    scene.store.mark_kind_missing(kinds.POD)
    scene.store.replace_all(kinds.POD, ())
    assert scene.woken == []
    scene.store.replace_all(kinds.MACHINE, ())
    assert scene.woken == [WS]
