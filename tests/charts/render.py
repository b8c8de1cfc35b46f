"""Renders the umbrella chart with Helm's own engine, without a cluster."""

from pathlib import Path
from typing import Any

import yaml
from helm_python import Chart

CHART = Path(__file__).resolve().parents[2] / "charts" / "kaito"

AZURE = {
    "gpu-provisioner": {
        "settings": {
            "azureSubscriptionId": "00000000-0000-0000-0000-000000000001",
            "azureResourceGroup": "rg",
            "azureClusterName": "aks",
            "azureLocation": "eastus",
            "azureTenantId": "00000000-0000-0000-0000-000000000002",
            "azureClientId": "00000000-0000-0000-0000-000000000003",
        }
    }
}

# Required, as no images are published.
REGISTRY = {"global": {"image": {"registry": "example.test/kaito"}}}

Manifest = dict[str, Any]


def merge(left: Manifest, right: Manifest) -> Manifest:
    both = {k: merge(left[k], v) if isinstance(left.get(k), dict) else v for k, v in right.items()}
    return {**left, **both}


def render(values: Manifest | None = None) -> list[Manifest]:
    """Every object of the release `kaito` in namespace `kaito-system`.

    Loads the chart every time: rendering drops the subcharts that a condition disables.

    Raises:
        HelmValuesError: a value does not match the schema.
        HelmRenderError: a template refuses the values.
    """
    chart = Chart.load(str(CHART))
    try:
        texts = chart.render(
            merge({**AZURE, **REGISTRY}, values or {}),
            name="kaito",
            namespace="kaito-system",
            is_install=True,
        )
    finally:
        chart.close()
    documents = (
        document
        for path, text in texts.items()
        if path.endswith((".yaml", ".yml"))
        for document in yaml.safe_load_all(text)
    )
    return [document for document in documents if document]


def find(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    return next(m for m in manifests if m["kind"] == kind and m["metadata"]["name"] == name)
