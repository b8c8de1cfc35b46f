"""Where adapters may come from, as a real API server checks it without a controller."""

from typing import Any

import pytest

from kaito_kube import kinds
from kaito_kube.kinds import Manifest
from tests.workspace_controller.apiserver.sandbox import Sandbox
from tests.workspace_controller.given import PRESET
from tools.local_cluster.control_plane.kube_api import ApiError

RESOURCE = {
    "labelSelector": {"matchLabels": {"app": "phi"}},
    "instanceType": "Standard_NC24ads_A100_v4",
}


def serving(**source: Any) -> Manifest:
    adapters = [{"source": {"name": "style", **source}}]
    return {
        "metadata": {"name": "ws"},
        "resource": RESOURCE,
        "inference": {"preset": {"name": PRESET}, "adapters": adapters},
    }


@pytest.mark.parametrize(
    "source", [{"workspace": "tuner"}, {"image": "r.io/a:1"}], ids=["workspace", "image"]
)
async def test_an_adapter_has_one_source(sandbox: Sandbox, source: dict[str, str]) -> None:
    made = sandbox.create(kinds.WORKSPACE, serving(**source))
    assert made["inference"]["adapters"][0]["source"] == {"name": "style", **source}


REFUSED = {
    "none": (serving(), "set exactly one of source.image, source.volumeSource and source.w"),
    "two": (serving(image="r.io/a:1", workspace="tuner"), "set exactly one of source.image"),
    "no name": (serving(workspace="Tuner!"), "not the name of a Workspace"),
}


@pytest.mark.parametrize(("manifest", "message"), REFUSED.values(), ids=REFUSED)
async def test_what_is_no_source_is_refused(
    sandbox: Sandbox, manifest: Manifest, message: str
) -> None:
    with pytest.raises(ApiError, match=message):
        sandbox.create(kinds.WORKSPACE, manifest)
