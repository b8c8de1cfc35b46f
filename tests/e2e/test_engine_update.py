"""Another image of the engine, and the way back, while clients ask the model's own Service.

Nothing holds their requests there: one that comes while no pod answers is refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.e2e.cpu_node import cpu_node, on_cpu_node
from tests.e2e.file_images import BASE_MODEL
from tests.e2e.releases import restored
from tests.e2e.served_model import ServedModel
from tools.demo import manifests
from tools.demo.cluster import REGISTRY, KaitoCluster, local_images, reconfigure
from tools.demo.kubectl import wait_for
from tools.demo.rollout.clients import LoadClient
from tools.images.registry import Registry

pytestmark = pytest.mark.long

NAME = manifests.FAILING
NEXT = "next-release"
UNDO = "kaito.sh/undo-to-revision"
# Whatever they are, streams last for more than a minute.
STREAM_TOKENS = 200


@dataclass
class Rollout:
    """What was served at each observation."""

    model: ServedModel
    available: list[int] = field(default_factory=list)

    def until(self, image: str, words: str, revision: int | None = None) -> None:
        """Wait until only pods of this image are there, and the status says so."""
        wait_for(f"{image} to serve", lambda: self._lacking(image, words, revision), 300, pause=0.2)
        print(f"{image} serves: {self.model.reported()}", flush=True)

    def _lacking(self, image: str, words: str, revision: int | None) -> str | None:
        deployment = self.model.kubectl.get("deployment", NAME) or {}
        self.available.append((deployment.get("status") or {}).get("availableReplicas", 0))
        labels = f"kaito.sh/workspace={NAME},kaito.sh/role=inference"
        found = {
            each["image"]
            for pod in self.model.kubectl.items("pods", "-l", labels)
            for each in pod["spec"]["containers"]
            if each["name"] == "model-server"
        }
        text = self.model.reported()
        number = (self.model.status().get("revision") or {}).get("number")
        done = found == {image} and words in text and revision in (None, number)
        return None if done else f"images {found}, revision {number}, InferenceReady={text}"


@pytest.fixture
def model(clean: KaitoCluster) -> Iterator[ServedModel]:
    kubectl = clean.kubectl
    with restored(kubectl), cpu_node(kubectl):
        yield ServedModel(kubectl, NAME, clean.inputs.curl_image)
        kubectl.delete("workspace", NAME)


def test_update_of_the_engine_and_its_undo_fail_no_request(model: ServedModel) -> None:
    kubectl, images = model.kubectl, local_images()
    old, rollout = images["model-server"], Rollout(model)
    repository, tag = old.removeprefix(f"{REGISTRY}/").split(":")
    Registry(REGISTRY).tag(repository, tag, NEXT)
    kubectl.apply(on_cpu_node(NAME, {"preset": {"name": BASE_MODEL}}))
    rollout.until(old, "True InferenceReady")
    rollout.available.clear()
    load = LoadClient(kubectl, images["inference-gateway"])
    try:
        load.start(f"{NAME}.default.svc", BASE_MODEL, STREAM_TOKENS)
        reconfigure({"workspace-controller.workloads.modelServer.tag": NEXT})
        rollout.until(f"{REGISTRY}/{repository}:{NEXT}", "True InferenceReady", 2)
        kubectl.run("annotate", "workspace", NAME, f"{UNDO}=1")
        rollout.until(old, "True RevisionPinned")
        kubectl.show("get", "controllerrevisions")
        print(model.status()["revision"])
        results = load.stop()
    finally:
        load.delete()
    for result in results:
        print(result)
    assert not [failure for result in results for failure in result.failures]
    assert all(result.seconds for result in results)
    assert min(rollout.available) >= 1, "the old pod answers until the new one has answered"
