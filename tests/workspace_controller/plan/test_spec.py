"""What is read from a Workspace's spec."""

import pytest

from kaito_api.workspace import parse
from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import (
    inference,
    inference_workspace,
    resource,
    tuning,
    tuning_workspace,
)
from workspace_controller.plan.spec import ConfigRef, config_ref, selector_labels

TRAINING, INFERENCE = "training_config.yaml", "inference_config.yaml"


def test_labels_of_the_controller_are_not_selectors() -> None:
    chosen = {"matchLabels": {"app": "phi", "kaito.sh/workspace": "x"}}
    expressions = [{"key": "tier", "operator": "In", "values": ["gpu"]}]
    selector = {**chosen, "matchExpressions": expressions}
    spec = parse(inference_workspace(resource=resource(labelSelector=selector)))
    assert selector_labels(spec) == {"app": "phi", "tier": "gpu"}


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (tuning_workspace(), ConfigRef("release", "qlora-params-template", TRAINING)),
        (tuning_workspace(tuning=tuning(config="mine")), ConfigRef("team", "mine", TRAINING)),
        (inference_workspace(), None),
        (
            inference_workspace(inference=inference(config="mine")),
            ConfigRef("team", "mine", INFERENCE),
        ),
    ],
    ids=["default of the release", "for tuning", "none", "for inference"],
)
def test_configuration_to_read(manifest: Manifest, expected: ConfigRef | None) -> None:
    assert config_ref(parse(manifest), "team", "release") == expected


def test_default_configuration_is_not_read_for_a_candidate() -> None:
    spec = parse(tuning_workspace())
    assert config_ref(spec, "team", "release", with_default=False) is None
