"""One write per Node, however many stages patch it."""

from gpu_provisioner.lifecycle.node_patches import merge_node_patches
from gpu_provisioner.lifecycle.plan import CreatePool, DeletePool, PatchNode
from tests.gpu_provisioner.emulation import SPEC


def labels(**of: str) -> dict[str, object]:
    return {"metadata": {"labels": of}}


def test_node_patches_merge_in_place_of_the_first() -> None:
    other, create = DeletePool("x"), CreatePool(SPEC)
    taints: dict[str, object] = {"spec": {"taints": []}}
    actions = (PatchNode("a", labels(one="1")), other, PatchNode("a", labels(two="2") | taints),
               PatchNode("b", labels(one="1")), create)  # fmt: skip
    assert merge_node_patches(actions) == (
        PatchNode("a", labels(one="1", two="2") | taints),
        other,
        PatchNode("b", labels(one="1")),
        create,
    )


def test_later_patch_wins() -> None:
    found = merge_node_patches([PatchNode("a", labels(one="1")), PatchNode("a", labels(one="2"))])
    assert found == (PatchNode("a", labels(one="2")),)
