"""Reads what a plan depends on: the release's settings, the price list, the user's ConfigMap."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import yaml

from kaito_api import labels
from kaito_api.workspace import PresetRef, WorkspaceSpec
from kaito_kube.errors import ClusterError, Forbidden, Unavailable
from kaito_kube.kinds import CONFIG_MAP, WORKSPACE, Manifest, annotations_of
from kaito_presets import context_length
from kaito_skus import catalog
from kaito_skus.sku import Cloud
from kubectl_kaito.cluster.cluster import Cluster
from kubectl_kaito.dataset.checker import DatasetReport
from kubectl_kaito.errors import UsageError
from kubectl_kaito.hub.source import ModelSource
from kubectl_kaito.offers import Demand
from kubectl_kaito.plan.manifests import Given
from kubectl_kaito.plan.view import PlanInputs
from kubectl_kaito.presets import find_preset
from kubectl_kaito.prices.source import PriceSource, PricesUnavailable
from kubectl_kaito.quotas.source import QuotaSheet, QuotaSource, QuotasUnavailable
from kubectl_kaito.release import Release, observe_release
from kubectl_kaito.startups import Start, starts_of

_CONFIG_KEY = "inference_config.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """What the user asks for beside the Workspace."""

    given: Given
    namespace: str
    max_price: float | None = None
    region: str | None = None
    recorded_prices: bool = False
    subscription: str | None = None
    dataset: DatasetReport | None = None


def gather(
    cluster: Cluster | None,
    prices: PriceSource,
    request: PlanRequest,
    hub: Callable[[], ModelSource],
    quotas: Callable[[str], QuotaSource],
) -> PlanInputs:
    """`cluster` is None where there is none: then the chart's defaults are assumed.

    Raises:
        NotFoundError: the preset does not exist.
        UsageError: the Workspace has its own pods, or its configuration is invalid.
    """
    spec = request.given.spec
    preset = find_preset(_preset_ref(spec).name, hub)
    release, notes = _release(cluster)
    azure = catalog.load().on(Cloud.AZURE).skus
    recorded = catalog.price_list(Cloud.AZURE)
    region = request.region or release.region or recorded.region
    if request.region is None and release.region is None:
        notes.append(f"the region is not known, so {region} is assumed; --region names another")
    context_tokens, config_notes = _context_tokens(cluster, request)
    left, quota_notes = _quotas(request, release, region, quotas)
    inputs = PlanInputs(
        demand=Demand(
            spec=spec,
            preset=preset,
            context_tokens=context_tokens,
            max_nodes=release.max_model_nodes,
            engine=annotations_of(request.given.manifest).get(labels.RUNTIME),
            release_engine=release.engine,
            serves=_serves(request.given.manifest),
            max_price=request.max_price,
        ),
        skus=azure,
        region=region,
        sheet=None,
        recorded=recorded,
        notes=[*notes, *config_notes, *quota_notes, *_data_notes(request)],
        dataset=request.dataset,
        quotas=left,
        starts=_starts(cluster, request.namespace),
        own_nodes=release.node_provisioner == "byo",
    )
    if request.recorded_prices:
        return inputs
    names = [sku.name for sku in azure if sku.retired_on is None]
    try:
        return replace(inputs, sheet=prices.read(region, names))
    except PricesUnavailable as error:
        return replace(inputs, notes=[*inputs.notes, str(error)])


def _quotas(
    request: PlanRequest, release: Release, region: str, quotas: Callable[[str], QuotaSource]
) -> tuple[QuotaSheet | None, list[str]]:
    """Asked for only where the user names the subscription: it takes their login and seconds."""
    if release.node_provisioner == "byo":
        return None, []
    if request.subscription is None:
        own = release.provisioner_setting("KAITO_AZURE_SUBSCRIPTION_ID")
        named = own if own and own.strip("0-") else "ID"
        return None, [f"quota: unknown; --subscription {named} reads it with your `az login`"]
    try:
        return quotas(request.subscription).read(region), []
    except QuotasUnavailable as error:
        return None, [str(error)]


def _data_notes(request: PlanRequest) -> list[str]:
    if request.given.spec.tuning is None or request.dataset is not None:
        return []
    return [
        "the training's hours and dollars are unknown: --tune FILE reads a dataset of this machine"
    ]


def _starts(cluster: Cluster | None, namespace: str) -> list[Start]:
    """Of all namespaces, else of the Workspace's own, as far as the user may list them."""
    if cluster is None:
        return []
    for within in ("", namespace):
        try:
            return starts_of(cluster.list(WORKSPACE, namespace=within))
        except Forbidden:
            continue
        except ClusterError:
            return []
    return []


def _preset_ref(spec: WorkspaceSpec) -> PresetRef:
    ref = spec.tuning.preset if spec.tuning is not None else None
    if ref is None and spec.inference is not None:
        ref = spec.inference.preset
    if ref is None:
        raise UsageError("the Workspace has its own pods and no preset: there is nothing to plan")
    return ref


def _release(cluster: Cluster | None) -> tuple[Release, list[str]]:
    if cluster is None:
        return Release(), ["no cluster: the chart's defaults are assumed"]
    try:
        release = observe_release(cluster)
    except Unavailable as error:
        return Release(), [f"{error}: the chart's defaults are assumed"]
    if release.unread:
        return release, ["you may not read the release's settings: its defaults are assumed"]
    if release.node_provisioner == "byo":
        return release, ["you provide the nodes (nodeProvisioner byo): none is requested"]
    return release, []


def _context_tokens(cluster: Cluster | None, request: PlanRequest) -> tuple[int, list[str]]:
    """The context length that inference.config sets; 0 for the default."""
    inference = request.given.spec.inference
    name = inference.config if inference is not None else None
    if name is None:
        return 0, []
    data = request.given.config_maps.get(name)
    if data is None and cluster is not None:
        data = _config_map(cluster, name, request.namespace)
    if data is None or _CONFIG_KEY not in data:
        return 0, [f"ConfigMap {name} is not there: the default context length is assumed"]
    section = _vllm_section(data[_CONFIG_KEY])
    if problem := context_length.find_problem(section):
        raise UsageError(f"{_CONFIG_KEY} of ConfigMap {name} {problem}")
    return context_length.context_length(section), []


def _vllm_section(text: str) -> dict[str, Any]:
    """Empty where there is none; workspace-controller checks the rest of the file."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        detail = " ".join(str(error).split())
        raise UsageError(f"{_CONFIG_KEY} is not YAML: {detail}") from None
    section = document.get("vllm") if isinstance(document, dict) else None
    return section if isinstance(section, dict) else {}


def _config_map(cluster: Cluster, name: str, namespace: str) -> dict[str, str] | None:
    try:
        return cluster.get(CONFIG_MAP, name, namespace).get("data") or {}
    except ClusterError:
        return None


def _serves(manifest: Manifest) -> bool:
    return annotations_of(manifest).get(labels.SERVE_TUNED_MODEL, "").casefold() != "false"
