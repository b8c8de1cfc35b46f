"""A release with a wrong value."""

import json
from collections.abc import Iterator

import pytest

from tests.e2e.releases import helm, restored
from tests.e2e.reported import condition_of, until_reported
from tests.e2e.untuned import apply
from tools.demo import manifests
from tools.demo.chat_client import chat, result_of
from tools.demo.cluster import CHART, KaitoCluster
from tools.demo.kubectl import Kubectl, Manifest, wait_for
from tools.demo.walkthrough import QUESTION, Watch

pytestmark = pytest.mark.long

NAMES = (manifests.UNTUNED, manifests.FAILING)


def inference_ready(kubectl: Kubectl, name: str) -> Manifest:
    return condition_of(kubectl, name, "InferenceReady")


@pytest.fixture
def release_restored(clean: KaitoCluster) -> Iterator[None]:
    with restored(clean.kubectl):
        yield


@pytest.mark.usefixtures("release_restored")
def test_wrong_tag_stops_at_the_first_workspace_and_the_others_answer(clean: KaitoCluster) -> None:
    kubectl = clean.kubectl
    for name in NAMES:
        apply(kubectl, name)
    for name in NAMES:
        Watch(kubectl, name).until_ready()
    tag = "workspace-controller.workloads.modelServer.tag=nope"
    helm("upgrade", "kaito", str(CHART), "--reuse-values", "--set", tag)

    def reasons() -> dict[str, str]:
        return {str(inference_ready(kubectl, name).get("reason")): name for name in NAMES}

    def unsettled() -> str | None:
        return None if set(reasons()) == {"UpdateFailed", "UpdateHeld"} else f"{reasons()}"

    wait_for("the rollout to stop", unsettled, 180)
    failed, held = reasons()["UpdateFailed"], reasons()["UpdateHeld"]
    for name in (failed, held):
        print(json.dumps(inference_ready(kubectl, name), indent=1))
    assert "nope" in inference_ready(kubectl, failed)["message"]
    assert f"default/{failed} does not become ready" in inference_ready(kubectl, held)["message"]
    assert result_of(chat(kubectl, held, QUESTION, clean.inputs.curl_image))
    helm("rollback", "kaito", "--wait")
    for name in NAMES:
        # Both are ready all the time: one from its old pod.
        until_reported(kubectl, name, "InferenceReady", "True InferenceReady", seconds=180)
