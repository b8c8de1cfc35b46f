"""Whom an object belongs to that has a name which a Workspace needs."""

from typing import Any

import pytest

from kaito_kube.kinds import JOB, MACHINE, Kind
from tests.workspace_controller.given import OWNER
from workspace_controller.manifests.metadata import metadata
from workspace_controller.plan.ownership import Ownership, name_taken, ownership

OWN = metadata(OWNER, "ws", "tuning")
LABELED = {"name": "ws000000000", "labels": OWNER.labels}
EARLIER = {"labels": {**OWNER.labels, "kaito.sh/workspace-uid": "another"}}


@pytest.mark.parametrize(
    ("kind", "present", "expected"),
    [
        (JOB, OWN, Ownership.OWN),
        (JOB, {"name": "ws"}, Ownership.FOREIGN),
        (JOB, LABELED, Ownership.FOREIGN),
        (JOB, {**OWN, "deletionTimestamp": "x"}, Ownership.DELETING),
        (MACHINE, LABELED, Ownership.OWN),
        (MACHINE, {**LABELED, **EARLIER}, Ownership.FOREIGN),
        (MACHINE, {**LABELED, **EARLIER, "deletionTimestamp": "x"}, Ownership.DELETING),
    ],
    ids=[
        "owned",
        "nobody's",
        "only labeled",
        "being deleted",
        "a labeled claim",
        "a claim of an earlier Workspace",
        "an earlier claim being deleted",
    ],
)
def test_ownership(kind: Kind, present: dict[str, Any], expected: Ownership) -> None:
    assert ownership(OWNER, kind, {"metadata": present}) is expected


def test_taken_name_is_reported_with_its_namespace() -> None:
    assert "Job team/ws exists" in name_taken(OWNER, JOB, "ws").message
    assert "Machine ws1 exists" in name_taken(OWNER, MACHINE, "ws1").message
