"""A Workspace serves what another one tunes, and follows it when that is tuned again."""

import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest
import yaml

from tests.e2e.cpu_node import cpu_node, on_cpu_node
from tests.e2e.file_images import BASE_MODEL
from tests.e2e.served_model import ServedModel
from tests.e2e.streaming_clients import StreamingClients
from tools.demo import manifests
from tools.demo.cluster import KaitoCluster
from tools.demo.kubectl import Manifest, wait_for
from tools.demo.walkthrough import applied_text

pytestmark = pytest.mark.long

NAME, TUNED = "tuned", manifests.TUNED
TUNING_SECONDS = 400
# The number of updates, by the name of the ConfigMap: each gives another adapter.
FIRST, SECOND = "ten-updates", "twenty-updates"
UPDATES = {FIRST: 10, SECOND: 20}


@pytest.fixture
def model(clean: KaitoCluster) -> Iterator[ServedModel]:
    kubectl = clean.kubectl
    with cpu_node(kubectl):
        kubectl.apply(*(training(name, updates) for name, updates in UPDATES.items()))
        yield ServedModel(kubectl, manifests.FAILING, clean.inputs.curl_image)
        kubectl.delete("workspace", manifests.FAILING)
        kubectl.delete("configmap", *UPDATES)


def training(name: str, updates: int) -> Manifest:
    """A ConfigMap for tuning.config."""
    config = {
        "QuantizationConfig": {"load_in_4bit": True},
        "TrainingArguments": {"max_steps": updates},
    }
    data = {"training_config.yaml": yaml.safe_dump({"training_config": config})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def tuning(cluster: KaitoCluster, config: str) -> Manifest:
    """The documentation's tuning Workspace, which pushes to a tag of its own and serves nothing."""
    image = f"{cluster.inputs.image.rpartition(':')[0]}:{uuid.uuid4().hex}"
    found: Manifest = yaml.safe_load(applied_text(replace(cluster.inputs, image=image)))
    found["metadata"]["annotations"] = {"kaito.sh/serve-tuned-model": "false"}
    found["tuning"]["config"] = config
    return found


def adapter(model: ServedModel) -> Manifest:
    """What the Workspace that serves says of its adapter."""
    (found,) = model.status()["adapters"]
    return dict(found)


def until_followed(model: ServedModel, tuned: Manifest) -> str:
    """Wait until that tuning's adapter answers; returns its image."""
    image = tuned["tuning"]["output"]["image"]

    def lacking() -> str | None:
        status = (model.kubectl.get("workspace", TUNED) or {}).get("status") or {}
        digest = (status.get("adapter") or {}).get("digest", "nothing")
        pushed = (status.get("adapter") or {}).get("image") == image
        served = adapter(model)
        follows = pushed and served.get("image", "").endswith(digest)
        return (
            None if follows and served["state"] == "Serving" else f"{status.get('state')}, {served}"
        )

    wait_for(f"the adapter {image} to be served", lacking, TUNING_SECONDS)
    print(f"InferenceReady={model.reported()}; {adapter(model)}", flush=True)
    return str(adapter(model)["image"])


def test_adapter_follows_its_workspace_without_a_failed_request(
    clean: KaitoCluster, model: ServedModel
) -> None:
    kubectl, first = clean.kubectl, tuning(clean, FIRST)
    source = {"source": {"name": NAME, "workspace": TUNED}}
    inference = {"preset": {"name": BASE_MODEL}, "adapters": [source]}
    kubectl.apply(on_cpu_node(model.name, inference))
    without = f"without 1 adapter: {NAME}: Workspace default/{TUNED}"
    model.until(f"{without} does not exist", seconds=180)
    kubectl.apply(first)
    # A tuning takes much longer than the news that there is one.
    model.until(f"{without} has not tuned its adapter yet")
    before = until_followed(model, first)
    (pod,) = model.pods()
    with StreamingClients(model, (NAME, BASE_MODEL)) as clients:
        again = tuning(clean, SECOND)
        kubectl.apply(again)
        after = until_followed(model, again)
        clients.get_answers("it was tuned again")
    assert before != after
    assert not clients.failures
    assert [each["metadata"]["uid"] for each in model.pods()] == [pod["metadata"]["uid"]]
    assert not any(model.restarts().values())
