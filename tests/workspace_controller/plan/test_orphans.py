"""Claims of a Workspace that is gone."""

from kaito_kube.kinds import MACHINE, NODE_CLAIM, NODE_POOL
from tests.workspace_controller.given import claim, inference_workspace
from workspace_controller.observed import Absence
from workspace_controller.plan.orphans import decide_absence


def test_claims_of_an_absent_workspace_are_deleted() -> None:
    (action,) = decide_absence(Absence(claims=(claim(0),)))
    assert action.kind is MACHINE


def test_pool_of_an_absent_workspace_is_deleted_and_not_its_claims() -> None:
    claims = (claim(0, kind=NODE_POOL), claim(1, kind=NODE_CLAIM, from_pool=True))
    (action,) = decide_absence(Absence(claims=claims))
    assert action.kind is NODE_POOL


def test_nothing_is_deleted_while_the_api_server_has_the_workspace() -> None:
    assert decide_absence(Absence(claims=(claim(0),), workspace=inference_workspace())) == ()
