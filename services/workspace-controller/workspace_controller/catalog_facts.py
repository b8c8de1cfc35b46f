"""What the catalogs of presets and SKUs know about a Workspace's model and machine type."""

import difflib
from collections.abc import Iterable
from typing import Any

from kaito_api.workspace import WorkspaceSpec
from kaito_kube.kinds import Manifest, labels_of
from kaito_presets import catalog as preset_catalog
from kaito_skus import catalog as sku_catalog
from kaito_skus.node_labels import from_node_labels
from kaito_skus.sku import GpuSet, Sku
from workspace_controller.plan.spec import preset_ref
from workspace_controller.settings import NodeProvisioner, Settings


def catalogue_facts(
    spec: WorkspaceSpec | None, settings: Settings, nodes: tuple[Manifest, ...]
) -> dict[str, Any]:
    """What the catalogues know of the preset and of the machine type."""
    if spec is None:
        return {}
    ref, presets = preset_ref(spec), preset_catalog.load()
    facts: dict[str, Any] = {}
    if ref is not None:
        preset = presets.find(ref.name)
        facts["preset"] = preset
        facts["closest_preset"] = None if preset else presets.closest(ref.name)
    sku = sku_catalog.load().find(spec.resource.instance_type or "")
    facts["sku"] = sku
    facts["closest_skus"] = () if sku else _closest(spec.resource.instance_type or "")
    facts["offered"] = _offered(sku)
    byo = settings.node_provisioner is NodeProvisioner.BYO
    facts["gpus"] = _brought(nodes) if byo else (sku.gpus if sku else None)
    return facts


def _closest(name: str) -> tuple[str, ...]:
    names = [sku.name for sku in sku_catalog.load().skus]
    return tuple(difflib.get_close_matches(name, names, n=3, cutoff=0.6))


def _offered(sku: Sku | None) -> tuple[Sku, ...]:
    """Machine types to suggest: of the same cloud, and still to be had."""
    return tuple(
        other
        for other in sku_catalog.load().skus
        if other.retired_on is None and (sku is None or other.cloud is sku.cloud)
    )


def _brought(nodes: Iterable[Manifest]) -> GpuSet | None:
    """What the weakest of the nodes has, as NVIDIA's labels tell it."""
    found = [gpus for node in nodes if (gpus := from_node_labels(labels_of(node))) is not None]
    return min(found, key=lambda gpus: gpus.total_memory_gib, default=None)
