"""Applies the Workspace of a plan."""

from collections.abc import Callable

from kaito_api.labels import MAX_PRICE_PER_HOUR
from kaito_kube.kinds import WORKSPACE, annotations_of
from kubectl_kaito.cluster.cluster import Cluster
from kubectl_kaito.errors import UsageError
from kubectl_kaito.hub.source import ModelSource
from kubectl_kaito.plan.manifests import Given, spec_of
from kubectl_kaito.plan.view import PlanView, chosen
from kubectl_kaito.presets import find_preset
from kubectl_kaito.workspace_manifest import (
    TuningRequest,
    with_max_price,
    workspace,
    workspace_name,
)

# A plan pushes nothing: the field is required.
_NO_OUTPUT = "registry.invalid/adapter:plan"


def workspace_for(
    model: str, name: str | None, hub: Callable[[], ModelSource], *, tunes: bool = False
) -> Given:
    """The Workspace that serves or tunes a preset; its instance type is chosen by the plan.

    Raises:
        NotFoundError: there is no such preset, and no such model of the hub.
    """
    preset = find_preset(model, hub)
    tuning = TuningRequest(data="data", output_image=_NO_OUTPUT, is_claim=True) if tunes else None
    manifest = workspace(name or workspace_name(preset.name), preset.name, None, tuning=tuning)
    return Given(manifest, spec_of(manifest, "--model"), {})


def namespace_of(given: Given, option: str | None, cluster: Cluster | None) -> str:
    """The option's, or the manifest's, or the context's namespace.

    Raises:
        UsageError: the option and the manifest name different ones.
    """
    own = (given.manifest.get("metadata") or {}).get("namespace")
    if own and option and own != option:
        raise UsageError(f"metadata.namespace is {own!r}, and --namespace is {option!r}")
    return option or own or (cluster.namespace if cluster is not None else "default")


def apply(
    cluster: Cluster, given: Given, namespace: str, view: PlanView, max_price: float | None
) -> PlanView:
    """Writes the Workspace, on the cheapest instance type unless it names one, with the price that
    it may not exceed.

    Raises:
        ClusterError: the cluster refuses it.
    """
    offer = chosen(view)
    manifest = with_max_price(given.manifest, offer.price_per_hour, max_price)
    resource = manifest["resource"]
    if view.requested is None:
        resource = {**resource, "instanceType": offer.instance_type}
    metadata = {**manifest["metadata"], "namespace": namespace}
    written = cluster.apply(WORKSPACE, {**manifest, "metadata": metadata, "resource": resource})
    limit = annotations_of(written).get(MAX_PRICE_PER_HOUR)
    return view.model_copy(
        update={"applied": f"{namespace}/{written['metadata']['name']}", "max_price": limit}
    )
