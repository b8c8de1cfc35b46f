"""What the catalogs of presets and SKUs know about a Workspace's model and instance type."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict

from kaito_api.workspace import WorkspaceSpec
from kaito_kube.kinds import Manifest, labels_of
from kaito_presets import catalog as preset_catalog
from kaito_presets.preset import Preset
from kaito_skus import catalog as sku_catalog
from kaito_skus.node_labels import from_node_labels
from kaito_skus.sku import GpuSet, Sku
from workspace_controller.gpu_resources import fewest_gpus
from workspace_controller.plan.spec import preset_ref
from workspace_controller.settings import NodeProvisioner, Settings

# The similarity (0 to 1) from which a name is suggested for a misspelled one; difflib's default.
_SUGGESTION_CUTOFF = 0.6


class CatalogFacts(TypedDict, total=False):
    """The fields of Observed that the catalogs fill."""

    preset: Preset | None
    closest_preset: str | None
    sku: Sku | None
    closest_skus: tuple[str, ...]
    gpus: GpuSet | None
    allocatable_gpus: Mapping[str, int]
    available_skus: tuple[Sku, ...]


def catalog_facts(
    spec: WorkspaceSpec | None, settings: Settings, nodes: Sequence[Manifest]
) -> CatalogFacts:
    """Looks up the preset and the instance type of a spec; empty without a spec.

    With nodeProvisioner byo there is no instance type, so the labels of `nodes` tell which GPUs
    there are, and what the nodes advertise counts where no label does.
    """
    if spec is None:
        return {}
    facts = CatalogFacts()
    if (ref := preset_ref(spec)) is not None:
        presets = preset_catalog.load()
        preset = presets.find(ref.name)
        facts["preset"] = preset
        facts["closest_preset"] = None if preset else presets.closest(ref.name)
    name = spec.resource.instance_type or ""
    sku = sku_catalog.load().find(name)
    facts["sku"] = sku
    facts["closest_skus"] = () if sku else _closest_skus(name)
    facts["available_skus"] = _available_skus(sku)
    byo = settings.node_provisioner is NodeProvisioner.BYO
    facts["allocatable_gpus"] = fewest_gpus(nodes)
    facts["gpus"] = _weakest_gpus(nodes) if byo else (sku.gpus if sku else None)
    return facts


def _closest_skus(name: str) -> tuple[str, ...]:
    names = [sku.name for sku in sku_catalog.load().skus]
    return tuple(difflib.get_close_matches(name, names, n=3, cutoff=_SUGGESTION_CUTOFF))


def _available_skus(sku: Sku | None) -> tuple[Sku, ...]:
    """Instance types to suggest: from the same cloud, and not retired."""
    return tuple(
        other
        for other in sku_catalog.load().skus
        if other.retired_on is None and (sku is None or other.cloud is sku.cloud)
    )


def _weakest_gpus(nodes: Iterable[Manifest]) -> GpuSet | None:
    """The GPUs of the node with the least GPU memory, from the labels of NVIDIA's discovery."""
    found = [gpus for node in nodes if (gpus := from_node_labels(labels_of(node))) is not None]
    return min(found, key=lambda gpus: gpus.total_memory_gib, default=None)
