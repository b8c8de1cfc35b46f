"""release.json and the values that pin the images."""

import json

import yaml

from tests.charts.render import find, render
from tests.release.sample import DIGESTS, RELEASE
from tools.release import manifest


def test_manifest_names_every_part_with_its_version() -> None:
    document = json.loads(manifest.render(RELEASE))
    assert document["version"] == "1.2.3"
    assert document["source"] == {
        "commit": "c" * 40,
        "committed": "2023-11-14T22:13:20+00:00",
        "modified": False,
    }
    assert document["images"]["tuner"] == {
        "archive": "images/tuner-1.2.3.oci.tar",
        "sbom": "sbom/tuner-1.2.3.cdx.json",
        "digest": DIGESTS["tuner"],
    }
    assert document["chart"] == "kaito-1.2.3.tgz"
    assert document["tools"] == {"buildah": "1.28.2"}


def test_image_values_pin_what_the_chart_renders() -> None:
    rendered = render(yaml.safe_load(manifest.image_values(DIGESTS)))
    deployment = find(rendered, "Deployment", "kaito-workspace-controller")
    environment = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    images = {e["name"]: e["value"] for e in environment if e["name"].endswith("_IMAGE")}
    assert images["KAITO_TUNER_IMAGE"] == f"example.test/kaito/tuner@{DIGESTS['tuner']}"
    server = f"example.test/kaito/model-server@{DIGESTS['model-server']}"
    assert images["KAITO_MODEL_SERVER_IMAGE"] == server
