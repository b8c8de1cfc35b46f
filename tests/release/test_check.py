"""What the check of a release looks for in a cluster."""

from typing import Any

import yaml

from tests.charts.render import find, merge, render
from tests.release.sample import DIGESTS
from tools.release.check import foreign_pods, local_cluster_values
from tools.release.manifest import image_values

SERVICES = ("workspace-controller", "gpu-provisioner", "inference-gateway", "tuner", "model-server")


def _pod(image_id: str, *, ready: bool = True) -> dict[str, Any]:
    status = {"image": "r/tuner", "imageID": image_id, "ready": ready}
    return {"metadata": {"name": "p"}, "status": {"containerStatuses": [status]}}


def test_ready_pod_of_the_release_is_accepted() -> None:
    assert foreign_pods([_pod(f"r/tuner@{DIGESTS['tuner']}")], DIGESTS.values()) == []


def test_other_image_and_unready_pod_are_named() -> None:
    other = _pod("r/tuner@sha256:" + "0" * 64)
    unready = _pod(f"r/tuner@{DIGESTS['tuner']}", ready=False)
    assert len(foreign_pods([other, unready, _pod("", ready=False)], DIGESTS.values())) == 3


def test_local_cluster_is_installed_from_digests_alone() -> None:
    digests = dict.fromkeys(SERVICES, DIGESTS["tuner"])
    registry = {"global": {"image": {"registry": "172.30.0.1:5000/kaito"}}}
    values = merge(local_cluster_values(SERVICES), registry)
    release = render(merge(values, yaml.safe_load(image_values(digests))))
    for service in SERVICES[:3]:
        pod = find(release, "Deployment", f"kaito-{service}")["spec"]["template"]["spec"]
        container = pod["containers"][0]
        assert container["image"] == f"172.30.0.1:5000/kaito/{service}@{digests[service]}"
        images = [e["value"] for e in container["env"] if e["name"].endswith("_IMAGE")]
        assert all("@sha256:" in image for image in images)
