"""The Workspace to deploy, from options: its manifest and the price of its nodes."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from kaito_kube.kinds import WORKSPACE, Manifest
from kaito_presets.preset import Preset
from kaito_training.data_urls import find_url_problem, redact_url
from kubectl_kaito.cluster.cluster import Cluster
from kubectl_kaito.errors import CommandError, UsageError
from kubectl_kaito.hub.source import ModelSource
from kubectl_kaito.plan.gather import PlanRequest, gather
from kubectl_kaito.plan.manifests import Given, spec_of
from kubectl_kaito.plan.view import PlanView, chosen, plan, rejection_of
from kubectl_kaito.presets import find_preset
from kubectl_kaito.prices.source import PriceSource
from kubectl_kaito.quotas.source import QuotaSource
from kubectl_kaito.release import observe_release
from kubectl_kaito.words import dollars
from kubectl_kaito.workspace_manifest import (
    TuningRequest,
    with_max_price,
    workspace,
    workspace_name,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployRequest:
    """What the options say; None where the plan or the model decides."""

    model: str
    name: str | None = None
    instance_type: str | None = None
    access_secret: str | None = None
    tuning: TuningRequest | None = None
    max_price: float | None = None
    subscription: str | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """`price` is of all nodes per hour; None where it is not known or you provide the nodes."""

    manifest: Manifest
    price: float | None

    @property
    def summary(self) -> str:
        resource = self.manifest["resource"]
        on = f" on {resource['instanceType']}" if "instanceType" in resource else ""
        price = f", {dollars(self.price)}/h" if self.price is not None else ""
        return f"Workspace {self.manifest['metadata']['name']}{on}{price}"


def prepare(
    request: DeployRequest,
    cluster: Cluster | None,
    prices: PriceSource,
    namespace: str,
    hub: Callable[[], ModelSource],
    quotas: Callable[[str], QuotaSource],
) -> Deployment:
    """Chooses the cheapest instance type unless the request names one.

    Raises:
        NotFoundError: there is no such preset.
        UsageError: an option is wrong.
        CommandError: the model fits nothing, or not what is named, or is too dear.
    """
    preset = find_preset(request.model, hub)
    if request.tuning is not None and not request.tuning.is_claim:
        _check_data(request.tuning.data)
    manifest = workspace(
        name_of(request, preset),
        preset.name,
        request.instance_type,
        tuning=request.tuning,
        access_secret=request.access_secret,
    )
    given = Given(manifest, spec_of(manifest, "the options"), {})
    if cluster is not None and observe_release(cluster).node_provisioner == "byo":
        return Deployment(manifest, None)
    wish = PlanRequest(
        given=given,
        namespace=namespace,
        max_price=request.max_price,
        subscription=request.subscription,
    )
    return _on_offer(manifest, plan(gather(cluster, prices, wish, hub, quotas)), request.max_price)


def name_of(request: DeployRequest, preset: Preset) -> str:
    """The name of the Workspace: the user's, or one made of the model's."""
    return request.name or workspace_name(preset.name) + ("-tuned" if request.tuning else "")


def apply(deployment: Deployment, cluster: Cluster, namespace: str) -> Deployment:
    """Raises:
    ClusterError: the cluster refuses it.
    """
    metadata = {**deployment.manifest["metadata"], "namespace": namespace}
    return replace(
        deployment, manifest=cluster.apply(WORKSPACE, {**deployment.manifest, "metadata": metadata})
    )


def _on_offer(manifest: Manifest, view: PlanView, max_price: float | None) -> Deployment:
    named = view.requested
    if named is not None and not view.requested_fits:
        why = rejection_of(view, named) or "it is not in the catalog"
        raise CommandError(f"{view.model} does not go on {named}: {why}")
    if not view.offers:
        raise CommandError(
            f"no instance type does for {view.model}: `kubectl kaito plan --model {view.model}` "
            "says why"
        )
    offer = chosen(view)
    resource = {"instanceType": offer.instance_type, **manifest["resource"]}
    limited = with_max_price(manifest, offer.price_per_hour, max_price)
    return Deployment({**limited, "resource": resource}, offer.price_per_hour)


def _check_data(url: str) -> None:
    try:
        problem = find_url_problem(url)
        shown = redact_url(url)
    except ValueError as error:
        # Not quoted: what cannot be parsed cannot be redacted either.
        raise UsageError(f"--data is not a URL that can be read: {error}") from None
    if problem is not None:
        raise UsageError(f"--data {shown!r} {problem}")
