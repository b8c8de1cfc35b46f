"""InferenceSets on a real API server: the schema, the scale subresource and the status."""

import pytest

from kaito_kube import kinds
from kaito_kube.kinds import INFERENCE_SET, WORKSPACE, Manifest
from tests.workspace_controller.apiserver.sandbox import OWN_CRD, Sandbox, eventually
from tools.local_cluster.control_plane.kube_api import ApiError

CRD = OWN_CRD.with_name("kaito.sh_inferencesets.yaml")


def inference_set(**spec: object) -> Manifest:
    own = {"spec": {"containers": [{"name": "own", "image": "registry.local/own:1"}]}}
    return {
        "metadata": {"name": "phi"},
        "spec": {
            "labelSelector": {"matchLabels": {"app": "phi"}},
            "template": {"inference": {"template": own}},
            **spec,
        },
    }


@pytest.fixture
def served(sandbox: Sandbox) -> Sandbox:
    sandbox.api.install_crd(CRD)
    return sandbox


def scale(sandbox: Sandbox) -> Manifest:
    found: Manifest = sandbox.api.admin.get(f"{sandbox.path(INFERENCE_SET, 'phi')}/scale")
    return found


async def test_it_is_scaled_through_its_subresource(served: Sandbox) -> None:
    served.create(INFERENCE_SET, inference_set())
    try:
        async with served.controller("byo"):
            await eventually(lambda: len(served.all(WORKSPACE)) == 1)
            path = f"{served.path(INFERENCE_SET, 'phi')}/scale"
            served.api.admin.merge(path, {"spec": {"replicas": 3}})
            await eventually(lambda: scale(served)["status"].get("replicas") == 3)
            assert scale(served)["status"]["selector"] == (
                "inferenceset.kaito.sh/created-by=phi,kaito.sh/role=inference"
            )
            found = served.get(INFERENCE_SET, "phi") or {}
            assert found["status"]["observedGeneration"] == found["metadata"]["generation"]
            served.api.admin.merge(path, {"spec": {"replicas": 0}})
            await eventually(lambda: not served.all(WORKSPACE))
            await eventually(lambda: scale(served)["status"].get("replicas") == 0)
    finally:
        served.delete(INFERENCE_SET, "phi")
        served.uninstall(kinds.INFERENCE_SET)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"replicas": -1}, "spec.replicas"),
        ({"updateStrategy": {"rollingUpdate": {"maxSurge": "few"}}}, "maxSurge"),
        (
            {"updateStrategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}},
            "nothing can be rolled out",
        ),
        ({"template": {"inference": {}}}, "set exactly one of preset"),
    ],
    ids=["negative", "no percentage", "both zero", "neither preset nor template"],
)
def test_a_wrong_manifest_is_refused_by_the_schema(
    served: Sandbox, spec: Manifest, message: str
) -> None:
    with pytest.raises(ApiError, match=message):
        served.create(INFERENCE_SET, inference_set(**spec))
