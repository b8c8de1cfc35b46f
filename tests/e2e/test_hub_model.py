"""A model of the hub, whose download is killed in the middle, from a stand-in of the hub."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.cpu_node import cpu_node, on_cpu_node
from tests.e2e.file_images import mounted, mounted_model, push_modules
from tests.e2e.hub_server import LOG_PORT, WEIGHTS
from tests.e2e.served_model import ServedModel
from tests.hub_stand_in import COMMIT
from tools.demo import manifests
from tools.demo.chaos import kill_container
from tools.demo.chat_client import cluster_ip
from tools.demo.cluster import KaitoCluster, local_images, reconfigure
from tools.demo.kubectl import Kubectl, Manifest, wait_for
from tools.demo.walkthrough import QUESTION
from tools.preset_models import store

pytestmark = pytest.mark.long

HUB, PORT = "model-hub", 8080
MODEL = "acme/tiny-phi"
RELEASE = "/tmp/release"
ENDPOINT = "workspace-controller.settings.hubEndpoint"


def hub_pod(image: str) -> list[Manifest]:
    """The stand-in with the small model, and its Service."""
    modules = push_modules(
        "kaito-test/model-hub",
        *("tests/__init__.py", "tests/e2e/__init__.py", "tests/e2e/hub_server.py"),
        "tests/hub_stand_in.py",
    )
    files = (mounted_model(), mounted("modules", modules, "/modules", "modules"))
    arguments = (str(PORT), MODEL, "/mnt/model", RELEASE)
    container = {
        "name": "hub",
        "image": image,
        "command": ["python3", "-m", "tests.e2e.hub_server", *arguments],
        "env": [{"name": "PYTHONPATH", "value": "/modules"}],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
        "volumeMounts": [mount for _, mount in files],
    }
    spec = {
        "containers": [container],
        "volumes": [volume for volume, _ in files],
        "terminationGracePeriodSeconds": 1,
    }
    metadata = {"name": HUB, "namespace": "default", "labels": {"app": HUB}}
    ports = [{"name": f"p{port}", "port": port} for port in (PORT, LOG_PORT)]
    service = {"selector": {"app": HUB}, "ports": ports}
    return [
        {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service},
    ]


@pytest.fixture
def model(clean: KaitoCluster) -> Iterator[ServedModel]:
    """The Workspace of the test, which is not there yet, and the hub that it is to ask."""
    kubectl = clean.kubectl
    kubectl.delete("pod,service", HUB)
    kubectl.apply(*hub_pod(local_images()["data-server"]))
    kubectl.run("wait", "--for=condition=Ready", f"pod/{HUB}", "--timeout=60s")
    reconfigure({ENDPOINT: f"http://{HUB}.default.svc:{PORT}"})
    try:
        with cpu_node(kubectl):
            yield ServedModel(kubectl, manifests.FAILING, clean.inputs.curl_image)
            kubectl.delete("workspace", manifests.FAILING)
    finally:
        reconfigure({ENDPOINT: "null"})
        kubectl.delete("pod,service", HUB)


def hub_log(kubectl: Kubectl) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://{cluster_ip(kubectl, HUB)}:{LOG_PORT}/") as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def until_downloading(model: ServedModel) -> None:
    """Until the status has bytes, percent and the remaining time."""

    def lacking() -> str | None:
        status = model.status()
        has_percent = "downloading the model (" in str(status.get("progress"))
        return None if has_percent and status.get("eta") else json.dumps(status)

    wait_for("the download with its remaining time", lacking, 120, pause=0.2)
    model.until("False ModelLoading: downloading the model: ", " of 3.9 MiB, about ", " left")
    status = model.status()
    print({key: status.get(key) for key in ("progress", "eta", "state", "model")})


def test_model_of_the_hub_resumes_a_killed_download_and_answers(model: ServedModel) -> None:
    kubectl = model.kubectl
    kubectl.apply(on_cpu_node(model.name, {"preset": {"name": MODEL}}))
    until_downloading(model)
    pinned = model.status()["model"]
    assert (pinned["name"], pinned["revision"]) == (MODEL, COMMIT)
    (pod,) = model.pods()

    killed = kill_container(kubectl, pod["metadata"]["name"], "default", "model-download")
    assert killed
    wait_for(
        "the next container to go on", lambda: None if hub_log(kubectl)["ranges"] else "no", 60
    )
    until_downloading(model)
    kubectl.run("exec", HUB, "--", "touch", RELEASE)

    model.until("True InferenceReady: the model answers requests", seconds=180)
    log = hub_log(kubectl)
    asked = [each for each in log["requests"] if each.endswith(f"/{WEIGHTS}")]
    assert asked == [f"GET /{MODEL}/resolve/{COMMIT}/{WEIGHTS}"] * 2
    (range_,) = log["ranges"]
    print(f"killed once, and went on at {range_}")
    assert 0 < int(range_.removeprefix("bytes=").rstrip("-")) < weights_bytes()
    assert [each["metadata"]["uid"] for each in model.pods()] == [pod["metadata"]["uid"]]
    assert model.chat(QUESTION) == model.grpc(QUESTION) == "The capital of Japan is Tokyo."
    assert model.complete(QUESTION, model=MODEL) == "The capital of Japan is Tokyo."
    assert model.status()["model"]["revision"] == COMMIT


def weights_bytes() -> int:
    return (store.model_folder() / WEIGHTS).stat().st_size
