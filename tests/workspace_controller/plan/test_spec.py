"""What is read from a Workspace's spec."""

from kaito_api.workspace import parse
from tests.workspace_controller.given import inference_workspace, resource
from workspace_controller.plan.spec import selector_labels


def test_labels_of_the_controller_are_not_selectors() -> None:
    chosen = {"matchLabels": {"app": "phi", "kaito.sh/workspace": "x"}}
    expressions = [{"key": "tier", "operator": "In", "values": ["gpu"]}]
    selector = {**chosen, "matchExpressions": expressions}
    spec = parse(inference_workspace(resource=resource(labelSelector=selector)))
    assert selector_labels(spec) == {"app": "phi", "tier": "gpu"}
