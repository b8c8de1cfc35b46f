"""What the API server itself accepts and refuses of how adapters are pushed and verified."""

from typing import Any

import pytest

from kaito_kube import kinds
from kaito_kube.kinds import Manifest
from tests.workspace_controller.apiserver.sandbox import Sandbox
from tests.workspace_controller.given import (
    inference,
    inference_workspace,
    tuning,
    tuning_workspace,
)
from tools.local_cluster.control_plane.kube_api import ApiError

IMAGE = {"image": "registry/adapter:1", "imagePushSecret": "push"}
VOLUME: Manifest = {"volumeSource": {"emptyDir": {}}}


def pushing(**output: Any) -> Manifest:
    return tuning_workspace(tuning=tuning(output=output))


def serving(**source: Any) -> Manifest:
    adapter = {"source": {"name": "a", **source}}
    return inference_workspace(inference=inference(adapters=[adapter]))


ACCEPTED: dict[str, Manifest] = {
    "image": pushing(**IMAGE, signingSecret="my.key", caConfigMap="my.ca", overwrite=True),
    "volume": pushing(**VOLUME),
    "verified image": serving(image="r.io/a:1", verificationSecret="my.key", caConfigMap="my.ca"),
    "verified Workspace": serving(workspace="tuned", verificationSecret="my.key"),
}
FOR_AN_IMAGE = "signingSecret, caConfigMap and overwrite are for an image"
FROM_A_REGISTRY = "verificationSecret and caConfigMap are for images"
REFUSED: dict[str, tuple[Manifest, str]] = {
    "signed volume": (pushing(**VOLUME, signingSecret="key"), FOR_AN_IMAGE),
    "overwritten volume": (pushing(**VOLUME, overwrite=True), FOR_AN_IMAGE),
    "name of the signing secret": (
        pushing(**IMAGE, signingSecret="My_Key"),
        "not the name of a Secret",
    ),
    "name of the CA": (pushing(**IMAGE, caConfigMap="My_CA"), "not the name of a ConfigMap"),
    "verified volume": (serving(**VOLUME, verificationSecret="key"), FROM_A_REGISTRY),
    "name of the verification secret": (
        serving(image="r.io/a:1", verificationSecret="My_Key"),
        "not the name of a Secret",
    ),
}


def create(sandbox: Sandbox, workspace: Manifest) -> None:
    workspace["metadata"]["namespace"] = sandbox.namespace
    sandbox.create(kinds.WORKSPACE, workspace)


@pytest.mark.parametrize("workspace", ACCEPTED.values(), ids=ACCEPTED)
def test_workspace_is_accepted(sandbox: Sandbox, workspace: Manifest) -> None:
    create(sandbox, workspace)


@pytest.mark.parametrize(("workspace", "message"), REFUSED.values(), ids=REFUSED)
def test_workspace_is_refused_with_the_remedy(
    sandbox: Sandbox, workspace: Manifest, message: str
) -> None:
    with pytest.raises(ApiError) as caught:
        create(sandbox, workspace)
    assert message in str(caught.value)
