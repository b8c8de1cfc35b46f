"""What others do to an agent pool in Azure, and what its Workspace says about it."""

import pytest

from tests.e2e import arm
from tests.e2e.untuned import apply, condition, nodes_ready, pool_of
from tools.demo import cloud, manifests
from tools.demo.cluster import KaitoCluster
from tools.demo.kubectl import Kubectl, wait_for

SCOPE = "/subscriptions/s/resourceGroups/kaito-rg"
LOCKED = (
    "The scope '/subscriptions/s/resourceGroups/kaito-rg/providers/Microsoft.ContainerService"
    "/managedClusters/kaito-local/agentPools/ws1' cannot perform delete operation because "
    f"following scope(s) are locked: '{SCOPE}'. Please remove the lock and try again."
)


def deletion(kubectl: Kubectl) -> str:
    """WorkspaceDeleting of the Workspace: its reason and message."""
    workspace = kubectl.get("workspace", manifests.UNTUNED) or {}
    conditions = (workspace.get("status") or {}).get("conditions") or ()
    found = [c for c in conditions if c["type"] == "WorkspaceDeleting"]
    return f"{found[0]['reason']}: {found[0]['message']}" if found else "no WorkspaceDeleting"


def test_tags_that_a_policy_removes_are_put_back(clean: KaitoCluster) -> None:
    kubectl = clean.kubectl
    apply(kubectl)
    wait_for("a node", lambda: nodes_ready(kubectl), 120)
    wait_for("the create to end", lambda: None if cloud.pools_at_rest() else "running", 60)
    (pool, uid, _), deletes = pool_of(kubectl), cloud.calls("agentPools.delete")
    arm.replace_tags(pool, {"owner": "finance"})

    def lost() -> str | None:
        tags = arm.tags_of(pool)
        return None if tags.get("kaito-claim-uid") == uid else f"tags: {tags}"

    wait_for("the tags to be put back", lost, 120)
    assert arm.tags_of(pool)["owner"] == "finance"

    def untold() -> str | None:
        events = kubectl.items("events", "-A", "--field-selector", "reason=PoolMarksLost")
        notes = [e["message"] for e in events if e["involvedObject"]["name"] == pool]
        print(f"PoolMarksLost: {notes}")
        return None if notes else "no event PoolMarksLost"

    wait_for("the event", untold, 60)
    assert condition(kubectl, "ResourceReady")[0] == "True"
    assert cloud.calls("agentPools.delete") == deletes


@pytest.mark.long
def test_deletion_that_a_lock_holds_up_names_it_and_ends_without_it(clean: KaitoCluster) -> None:
    kubectl = clean.kubectl
    apply(kubectl)
    wait_for("a node", lambda: nodes_ready(kubectl), 120)
    cloud.set_fault(
        "refused", operation="agentPools.delete", status=409, code="ScopeLocked", message=LOCKED
    )
    kubectl.delete("workspace", manifests.UNTUNED, wait=False)

    def unnamed() -> str | None:
        text = deletion(kubectl)
        return None if text.startswith("ResourceLocked") and SCOPE in text else text

    wait_for("the lock to be named", unnamed, 120)
    print(deletion(kubectl))
    assert cloud.pool_names()
    cloud.clear_faults()
    # The pauses between the tries have grown meanwhile.
    wait_for("the pool to go", lambda: ", ".join(cloud.pool_names()) or None, 300)
    wait_for("the Workspace to go", lambda: None if _is_gone(kubectl) else "it is there", 60)


def _is_gone(kubectl: Kubectl) -> bool:
    return kubectl.get("workspace", manifests.UNTUNED) is None
