"""What the checks look at, read once. What may not be read is None."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kaito_kube.errors import Forbidden, NotFound
from kaito_kube.kinds import (
    CUSTOM_RESOURCE_DEFINITION,
    ENDPOINT_SLICE,
    NODE,
    POD,
    VALIDATING_WEBHOOK,
    WORKSPACE,
    Kind,
    Manifest,
    key_of,
)
from kubectl_kaito.cluster.cluster import Cluster
from kubectl_kaito.observation import list_claims
from kubectl_kaito.prices.source import PriceSource, PricesUnavailable
from kubectl_kaito.release import Release, observe_release

ACCESS_REVIEW = Kind(
    "authorization.k8s.io",
    "v1",
    "SelfSubjectAccessReview",
    "selfsubjectaccessreviews",
    namespaced=False,
)
_DNS = {"k8s-app": "kube-dns"}
_DNS_SERVICE = {"kubernetes.io/service-name": "kube-dns"}
# What the verbs need of the user, in the namespace of the Workspaces.
RIGHTS = (
    ("create", WORKSPACE.group, WORKSPACE.plural),
    ("list", WORKSPACE.group, WORKSPACE.plural),
    ("list", "", POD.plural),
    ("get", "", "pods/log"),
    ("list", "", "events"),
)
# Sold in every region that has GPUs of its generation; whether the list answers is what counts.
_PROBE = "Standard_NC24ads_A100_v4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`rights` are by verb and resource, `prices_problem` is None where the list answers.

    `dns_slices` are the EndpointSlices of the DNS's Service: it may run outside the cluster's pods.
    """

    now: datetime
    namespace: str
    version: str
    release: Release
    crds: Mapping[str, Manifest] | None
    webhooks: Sequence[Manifest] | None
    nodes: Sequence[Manifest] | None
    dns_pods: Sequence[Manifest] | None
    dns_slices: Sequence[Manifest] | None
    workspaces: Sequence[Manifest] | None
    claims: Sequence[Manifest]
    pods: Sequence[Manifest] | None
    rights: Mapping[str, bool]
    prices_problem: str | None


def read_health(cluster: Cluster, prices: PriceSource, namespace: str, now: datetime) -> Health:
    """Raises:
    ClusterError: the cluster does not answer.
    """

    def read(
        kind: Kind, within: str = "", labels: Mapping[str, str] | None = None
    ) -> Sequence[Manifest] | None:
        try:
            return cluster.list(kind, namespace=within, labels=labels)
        except NotFound:
            return ()
        except Forbidden:
            return None

    version = cluster.version()
    crds = read(CUSTOM_RESOURCE_DEFINITION)
    release = observe_release(cluster)
    return Health(
        now=now,
        namespace=namespace,
        version=version,
        release=release,
        crds=None if crds is None else {key_of(crd).name: crd for crd in crds},
        webhooks=read(VALIDATING_WEBHOOK),
        nodes=read(NODE),
        dns_pods=read(POD, "kube-system", _DNS),
        dns_slices=read(ENDPOINT_SLICE, "kube-system", _DNS_SERVICE),
        workspaces=read(WORKSPACE),
        claims=list_claims(cluster),
        pods=read(POD),
        rights={_name(*right): _may(cluster, namespace, *right) for right in RIGHTS},
        prices_problem=_prices_problem(prices, release.region or "eastus"),
    )


def _name(verb: str, group: str, resource: str) -> str:
    return f"{verb} {resource}" + (f".{group}" if group else "")


def _may(cluster: Cluster, namespace: str, verb: str, group: str, resource: str) -> bool:
    plain, _, subresource = resource.partition("/")
    attributes = {
        "namespace": namespace,
        "verb": verb,
        "group": group,
        "resource": plain,
        **({"subresource": subresource} if subresource else {}),
    }
    review = cluster.create(ACCESS_REVIEW, {"spec": {"resourceAttributes": attributes}})
    return bool((review.get("status") or {}).get("allowed"))


def _prices_problem(prices: PriceSource, region: str) -> str | None:
    try:
        prices.read(region, [_PROBE])
    except PricesUnavailable as error:
        return str(error)
    return None
