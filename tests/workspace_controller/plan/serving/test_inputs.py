"""What counts as a user's own change of his workload."""

from dataclasses import replace
from typing import Any

import pytest

from kaito_api import labels
from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import (
    claim,
    inference,
    inference_workspace,
    observation,
    own_node,
    resource,
    settings,
    stored,
)
from workspace_controller.plan.nodes.provisioning import decide_nodes
from workspace_controller.plan.plan import Apply
from workspace_controller.plan.serving.workload import decide_serving
from workspace_controller.settings import PodSettings

ADAPTER = {"source": {"name": "style", "image": "registry.local/style:1"}}


def annotations(manifest: Manifest, **changes: Any) -> dict[str, str]:
    observed = observation(
        stored(manifest), nodes=(own_node(),), claims=(claim(0, Ready="True/Ready/"),), **changes
    )
    assert observed.spec is not None
    plan = decide_serving(observed, observed.spec, decide_nodes(observed, observed.spec, 1), None)
    (action,) = plan.actions
    assert isinstance(action, Apply)
    found: dict[str, str] = action.manifest["metadata"]["annotations"]
    return found


BASE = annotations(inference_workspace())


@pytest.mark.parametrize(
    "changed",
    [
        inference_workspace(inference=inference(adapters=[ADAPTER])),
        inference_workspace(inference=inference(preset={"name": "phi-2"})),
        inference_workspace(resource=resource(labelSelector={"matchLabels": {"app": "other"}})),
    ],
    ids=["adapters", "preset", "nodes"],
)
def test_users_change_has_other_inputs(changed: Manifest) -> None:
    made = annotations(changed)
    assert made[labels.REVISION] != BASE[labels.REVISION]
    assert made[labels.INPUTS] != BASE[labels.INPUTS]


@pytest.mark.parametrize(
    "changed",
    [
        settings(model_server=PodSettings(image="registry.local/model-server:nope")),
        settings(gateway=PodSettings(image="registry.local/gateway:2")),
        settings(model_server=PodSettings(image="registry.local/model-server:1", env={"A": "b"})),
        settings(preset_registry="mirror.local"),
        settings(termination_grace_period_seconds=60),
        replace(settings(), administration_key="other"),
    ],
    ids=["model-server", "gateway", "variable", "registry", "grace period", "key"],
)
def test_change_of_the_release_has_the_same_inputs(changed: Any) -> None:
    made = annotations(inference_workspace(), settings=changed)
    assert made[labels.REVISION] != BASE[labels.REVISION]
    assert made[labels.INPUTS] == BASE[labels.INPUTS]


KEY = replace(settings(), administration_key="key")


def test_pulled_adapters_change_neither_the_pods_nor_the_inputs() -> None:
    without = annotations(inference_workspace(), settings=KEY)
    pulled = {"source": {**ADAPTER["source"], "imagePullSecrets": ["pull"]}}
    one = inference_workspace(inference=inference(adapters=[pulled]))
    assert annotations(one, settings=KEY) == without
    volume = {"source": {"name": "v", "volumeSource": {"emptyDir": {}}}}
    mounted = inference_workspace(inference=inference(adapters=[volume]))
    assert annotations(mounted, settings=KEY)[labels.REVISION] != without[labels.REVISION]
    assert annotations(mounted, settings=KEY)[labels.INPUTS] != without[labels.INPUTS]


def test_default_that_a_new_crd_fills_in_is_no_change_of_the_user() -> None:
    explicit = inference_workspace(inference=inference(adapters=[]))
    assert annotations(explicit)[labels.INPUTS] == BASE[labels.INPUTS]
