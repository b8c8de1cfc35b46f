"""A Workspace is tuned on two nodes, loses a pod in the middle, and is served on one of them."""

import uuid
from dataclasses import replace
from typing import Any

import pytest
import yaml

from tools.demo import cloud, manifests
from tools.demo.cluster import KaitoCluster
from tools.demo.kubectl import Kubectl, Manifest, wait_for
from tools.demo.walkthrough import applied_text

pytestmark = pytest.mark.long

INDEX = "batch.kubernetes.io/job-completion-index"
CONFIG = "many-updates"
# Nodes join, the images are pulled on both, and the pod that is deleted starts again.
RUN_SECONDS = 800
# Long enough that a pod can be deleted between two checkpoints.
UPDATES = 120


def training_config() -> Manifest:
    config = {
        "QuantizationConfig": {"load_in_4bit": True},
        "TrainingArguments": {"max_steps": UPDATES},
    }
    data = {"training_config.yaml": yaml.safe_dump({"training_config": config})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": CONFIG}, "data": data}


def tuning(cluster: KaitoCluster) -> Manifest:
    """The documentation's Workspace, on two nodes, with a tag of its own."""
    image = f"{cluster.inputs.image.rpartition(':')[0]}:{uuid.uuid4().hex}"
    found: Manifest = yaml.safe_load(applied_text(replace(cluster.inputs, image=image)))
    found["resource"]["count"] = 2
    found["tuning"]["config"] = CONFIG
    return found


def status(kubectl: Kubectl) -> dict[str, Any]:
    found: dict[str, Any] = (kubectl.get("workspace", manifests.TUNED) or {}).get("status") or {}
    return found


def pods(kubectl: Kubectl) -> dict[str, Manifest]:
    """The pods that train, by their index, without those that are going."""
    labels = f"kaito.sh/workspace={manifests.TUNED},kaito.sh/role=tuning"
    return {
        str(pod["metadata"]["annotations"][INDEX]): pod
        for pod in kubectl.items("pods", "-l", labels)
        if "deletionTimestamp" not in pod["metadata"]
    }


def until(kubectl: Kubectl, what: str, key: str, least: int) -> None:
    """Wait until a number of `status.tuning` is at least so large."""

    def lacking() -> str | None:
        run = status(kubectl).get("tuning") or {}
        return None if (run.get(key) or 0) >= least else f"{key}: {status(kubectl)}"

    wait_for(what, lacking, RUN_SECONDS)


@pytest.mark.timeout(2400)
def test_a_run_on_two_nodes_survives_the_loss_of_a_pod(clean: KaitoCluster) -> None:
    kubectl, manifest = clean.kubectl, tuning(clean)
    before = len(cloud.pool_names())
    kubectl.apply(training_config())
    try:
        kubectl.apply(manifest)
        until(kubectl, "a checkpoint of two nodes", "checkpointStep", 1)
        assert status(kubectl)["nodes"] == "2/2"
        assert status(kubectl)["tuning"]["processes"] == 2
        found = pods(kubectl)
        assert sorted(found) == ["0", "1"]
        assert len({pod["spec"]["nodeName"] for pod in found.values()}) == 2
        assert len(cloud.pool_names()) == before + 2

        kubectl.delete("pod", found["1"]["metadata"]["name"])
        until(kubectl, "the run to go on", "resumedStep", 1)

        def unserved() -> str | None:
            now = status(kubectl)
            return None if now.get("state") == "Ready" else f"{now.get('state')}: {now}"

        wait_for("the tuned model to be served", unserved, RUN_SECONDS)
        end = status(kubectl)
        assert end["adapter"]["image"] == manifest["tuning"]["output"]["image"]
        # The last steps may pass between two looks at the run.
        assert end["tuning"]["resumedStep"] <= end["tuning"]["step"] <= UPDATES
        kubectl.show("get", "workspace", manifests.TUNED, "-o", "wide")

        def unreleased() -> str | None:
            names = cloud.pool_names()
            return None if len(names) == before + 1 else f"there are {names}"

        wait_for("the other node to be given back", unreleased, RUN_SECONDS)
        assert status(kubectl)["nodes"] == "1/1"
        assert kubectl.get("networkpolicy", f"{manifests.TUNED}.tuning") is None
    finally:
        kubectl.delete("workspace", manifests.TUNED)
        kubectl.delete("configmap", CONFIG)
