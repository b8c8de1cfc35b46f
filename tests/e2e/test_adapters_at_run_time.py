"""Adapters come and go while a model answers, on each engine that Kaito starts itself."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.cpu_node import cpu_node, on_cpu_node
from tests.e2e.engine_images import vllm_image
from tests.e2e.file_images import BASE_MODEL, make_adapters, push_adapter
from tests.e2e.served_model import ServedModel
from tests.e2e.streaming_clients import StreamingClients
from tools.demo import manifests
from tools.demo.cluster import KaitoCluster, reconfigure
from tools.demo.kubectl import Manifest
from tools.demo.walkthrough import QUESTION

pytestmark = pytest.mark.long

NAME = manifests.FAILING
STYLE, TONE, ACCENT, BAD = "style", "tone", "accent", "foreign"
OTHER_MODEL = "mistral-7b-instruct"
# vLLM's server for CPUs has no compiler, and reserves memory for each sequence.
ON_A_CPU = """
vllm:
  enforce-eager: true
  max-model-len: 1024
  max-num-seqs: 16
  max-lora-rank: 8
"""


@pytest.fixture(scope="module")
def images(cluster: KaitoCluster, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Images of adapters by name; one of them says that it belongs to another model."""
    folder: Path = tmp_path_factory.mktemp("adapters")
    names = (STYLE, TONE, ACCENT, BAD)
    make_adapters(folder, *names)
    config = folder / BAD / "adapter_config.json"
    config.write_text(config.read_text().replace(BASE_MODEL, OTHER_MODEL))
    return {name: push_adapter(folder / name) for name in names}


@dataclass(frozen=True, slots=True)
class Adapted:
    """The Workspace whose adapters change."""

    model: ServedModel
    images: dict[str, str]
    manifest: Manifest

    def serve(self, *names: str) -> None:
        """Apply it with the adapters of these names."""
        sources = [
            {"name": name, "image": self.images[name], "imagePullSecrets": [manifests.SECRET]}
            for name in names
        ]
        inference = {**self.manifest["inference"], "adapters": [{"source": s} for s in sources]}
        self.model.kubectl.apply({**self.manifest, "inference": inference})

    def states(self) -> dict[str, str]:
        return {each["name"]: each["state"] for each in self.model.status()["adapters"]}


@pytest.fixture
def on_transformers(clean: KaitoCluster, images: dict[str, str]) -> Iterator[Adapted]:
    kubectl = clean.kubectl
    with cpu_node(kubectl):
        model = ServedModel(kubectl, NAME, clean.inputs.curl_image)
        yield Adapted(model, images, on_cpu_node(NAME, {"preset": {"name": BASE_MODEL}}))
        kubectl.delete("workspace", NAME)


@pytest.fixture
def on_vllm(clean: KaitoCluster, images: dict[str, str]) -> Iterator[Adapted]:
    """vLLM is built for CPUs; that the node has a GPU is only advertised."""
    kubectl = clean.kubectl
    repository, tag = vllm_image()
    image = "workspace-controller.workloads.vllm"
    reconfigure({f"{image}.repository": repository, f"{image}.tag": tag})
    data = {"inference_config.yaml": ON_A_CPU}
    kubectl.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}, "data": data}
    )
    manifest = {
        "apiVersion": "kaito.sh/v1beta1",
        "kind": "Workspace",
        "metadata": {"name": NAME, "annotations": {"kaito.sh/runtime": "vllm"}},
        "resource": {
            "instanceType": "Standard_NC24ads_A100_v4",
            "labelSelector": {"matchLabels": {"app": NAME}},
        },
        "inference": {"preset": {"name": BASE_MODEL}, "config": NAME},
    }
    yield Adapted(ServedModel(kubectl, NAME, clean.inputs.curl_image), images, manifest)
    kubectl.delete("workspace", NAME)
    kubectl.delete("configmap", NAME)
    reconfigure({f"{image}.repository": "null", f"{image}.tag": "null"})


def test_transformers_loads_and_unloads_adapters_under_streams(on_transformers: Adapted) -> None:
    _change_adapters_under_streams(on_transformers, "transformers")


def test_vllm_loads_and_unloads_adapters_under_streams(on_vllm: Adapted) -> None:
    _change_adapters_under_streams(on_vllm, "vllm")


def _change_adapters_under_streams(adapted: Adapted, engine: str) -> None:
    model = adapted.model
    adapted.serve(STYLE, TONE)
    model.until("True InferenceReady", f"also with {STYLE} and {TONE}", seconds=300)
    assert model.status()["engine"] == engine
    (pod,), restarts = model.pods(), model.restarts()
    tone = model.complete(QUESTION, model=TONE)
    with StreamingClients(model, (BASE_MODEL, STYLE)) as clients:
        adapted.serve(STYLE, TONE, ACCENT)
        model.until("True InferenceReady", f"also with {STYLE}, {TONE} and {ACCENT}")
        clients.get_answers(f"{ACCENT} was added")
        adapted.serve(STYLE, ACCENT)
        model.until("True InferenceReady", f"also with {STYLE} and {ACCENT}")
        clients.get_answers(f"{TONE} was removed")
        adapted.serve(STYLE, ACCENT, BAD)
        model.until(
            "True AdapterNotLoaded",
            f"also with {STYLE} and {ACCENT}, but without 1 adapter: {BAD}: ",
            OTHER_MODEL,
        )
        clients.get_answers(f"{BAD} was refused")
    assert not clients.failures
    assert adapted.states() == {STYLE: "Serving", ACCENT: "Serving", BAD: "Rejected"}
    print(json.dumps(model.status()["adapters"], indent=1))
    answers = {name: model.complete(QUESTION, model=name) for name in (BASE_MODEL, STYLE, ACCENT)}
    print(answers)
    assert len({*answers.values(), tone}) == 4, "each adapter has answers of its own"
    assert TONE not in {each["id"] for each in model.get("/v1/models")["data"]}
    assert [each["metadata"]["uid"] for each in model.pods()] == [pod["metadata"]["uid"]]
    assert model.restarts() == restarts
