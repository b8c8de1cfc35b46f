"""What is read from a Workspace's spec."""

from kaito_api.workspace import parse
from tests.workspace_controller.given import inference_workspace, resource
from workspace_controller.plan.spec import selector_labels


def test_the_controllers_own_labels_select_nothing() -> None:
    chosen = {"matchLabels": {"app": "phi", "kaito.sh/workspace": "x"}}
    expressions = [{"key": "tier", "operator": "In", "values": ["gpu"]}]
    selector = {**chosen, "matchExpressions": expressions}
    spec = parse(inference_workspace(resource=resource(labelSelector=selector)))
    assert selector_labels(spec) == {"app": "phi", "tier": "gpu"}
