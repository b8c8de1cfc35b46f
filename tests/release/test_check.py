"""What the check of a release looks for in a cluster."""

from typing import Any

import yaml

from tests.charts.render import find, merge, render
from tests.release.sample import DIGESTS
from tools.images.recipes import CONTROL, RELEASED
from tools.release.check import foreign_pods, local_cluster_values
from tools.release.manifest import image_values

REBUILT = "r/tuner@sha256:" + "0" * 64


def _pod(image: str, *, ready: bool = True, image_id: str = "") -> dict[str, Any]:
    status = {"name": "c", "image": "r/tuner:dev", "imageID": image_id, "ready": ready}
    return {
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": image}]},
        "status": {"containerStatuses": [status]},
    }


def test_ready_pod_of_the_release_is_accepted() -> None:
    pod = _pod(f"r/tuner@{DIGESTS['tuner']}", image_id=f"r/tuner@{DIGESTS['tuner']}")
    assert foreign_pods([pod], DIGESTS.values()) == []


def test_image_that_the_node_has_under_another_manifest_is_accepted() -> None:
    """containerd then reports the first manifest that it pulled, as for `make release` after
    `make demo`, which share layers."""
    pod = _pod(f"r/tuner@{DIGESTS['tuner']}", image_id=REBUILT)
    assert foreign_pods([pod], DIGESTS.values()) == []


def test_other_image_and_unready_pod_are_named() -> None:
    other = _pod(REBUILT)
    tag = _pod("r/tuner:0.1.0", image_id=f"r/tuner@{DIGESTS['tuner']}")
    unready = _pod(f"r/tuner@{DIGESTS['tuner']}", ready=False)
    starting = {**_pod(f"r/tuner@{DIGESTS['tuner']}"), "status": {}}
    found = foreign_pods([other, tag, unready, starting], DIGESTS.values())
    assert [text.rpartition(" (")[2] for text in found] == ["ready)"] * 2 + ["not ready)"] * 2


def test_local_cluster_is_installed_from_digests_alone() -> None:
    digests = dict.fromkeys(RELEASED, DIGESTS["tuner"])
    registry = {"global": {"image": {"registry": "172.30.0.1:5000/kaito"}}}
    values = merge(local_cluster_values(RELEASED), registry)
    release = render(merge(values, yaml.safe_load(image_values(digests))))
    for service in CONTROL:
        pod = find(release, "Deployment", f"kaito-{service}")["spec"]["template"]["spec"]
        container = pod["containers"][0]
        assert container["image"] == f"172.30.0.1:5000/kaito/{service}@{digests[service]}"
        # vLLM's image is its makers', and not of the release.
        images = [
            variable["value"]
            for variable in container["env"]
            if variable["name"].endswith("_IMAGE") and variable["name"] != "KAITO_VLLM_IMAGE"
        ]
        assert all("@sha256:" in image for image in images)
