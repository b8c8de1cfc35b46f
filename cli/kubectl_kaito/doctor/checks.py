"""The checks. Each is pure and answers with one finding."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kaito_api import labels
from kaito_api.reasons import REASONS, Reason
from kaito_api.status import WorkspaceStatus
from kaito_kube.kinds import (
    MACHINE,
    NODE_CLAIM,
    NODE_POOL,
    WORKSPACE,
    Kind,
    Manifest,
    key_of,
    labels_of,
)
from kaito_skus import catalog
from kubectl_kaito import workspace_facts as facts
from kubectl_kaito.doctor.health import Health
from kubectl_kaito.doctor.images import unreachable_image
from kubectl_kaito.words import plural

_UPGRADE = "apply the CRDs of the release: docs/upgrading.md"
_INSTALL = "install the chart: docs/installation.md"
_CLAIM_KINDS = {"machine": MACHINE, "nodeclaim": NODE_CLAIM, "nodepool": NODE_POOL}
# Image volumes are stable since then, and need no feature gate.
_IMAGE_VOLUMES_SINCE = (1, 36)

_IDENTITY_REASONS = {Reason.CLOUD_UNAUTHORIZED, Reason.SUBNET_UNAUTHORIZED}


class Level(StrEnum):
    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    detail: str
    remedy: str = ""


def check_workspace_crd(health: Health) -> Finding:
    if health.crds is None:
        return _unread("CustomResourceDefinitions")
    name = f"{WORKSPACE.plural}.{WORKSPACE.group}"
    if (crd := health.crds.get(name)) is None:
        return Finding(Level.FAIL, f"{name} is not installed", _INSTALL)
    served = _served(crd)
    if WORKSPACE.version not in served:
        return Finding(
            Level.FAIL, f"{name} serves {', '.join(served)}, not {WORKSPACE.version}", _UPGRADE
        )
    if missing := sorted({*_status_fields()} - {*_fields(crd)}):
        detail = f"{name} is of an older release: its status lacks {', '.join(missing)}"
        return Finding(Level.WARN, detail, _UPGRADE)
    return Finding(Level.OK, f"{name} serves {', '.join(served)}")


def check_controller(health: Health) -> Finding:
    release = health.release
    if release.controller is None and release.unread:
        return _unread("Deployments")
    if release.controller is None:
        return Finding(Level.FAIL, "workspace-controller is not installed", _INSTALL)
    return _deployment(health, release.controller)


def check_leader(health: Health) -> Finding:
    release = health.release
    if release.controller is None or release.unread:
        return Finding(Level.WARN, "not checked: workspace-controller or its Lease is not readable")
    key = key_of(release.controller)
    if not release.has_leader(health.now):
        return Finding(
            Level.FAIL,
            f"nobody renews Lease {key}, so no Workspace is looked at",
            f"kubectl -n {key.namespace} logs deploy/{key.name} --prefix --tail=50 (if it is "
            "healthy, compare this machine's clock with the cluster's)",
        )
    holder = ((release.lease or {}).get("spec") or {}).get("holderIdentity")
    return Finding(Level.OK, f"{holder} leads")


def check_webhook(health: Health) -> Finding:
    if health.webhooks is None:
        return _unread("ValidatingWebhookConfigurations")
    if health.release.controller is None:
        return Finding(Level.WARN, "not checked: workspace-controller is not readable")
    name = key_of(health.release.controller).name
    found = next((w for w in health.webhooks if key_of(w).name == name), None)
    if found is None:
        return Finding(
            Level.WARN,
            f"webhook {name} is not registered: a wrong manifest is applied, and then fails",
            f"kubectl -n {health.release.namespace} rollout restart deployment/{name}, which "
            "registers it; the leader's log says why it does not",
        )
    if not all((w.get("clientConfig") or {}).get("caBundle") for w in found.get("webhooks") or ()):
        return Finding(
            Level.WARN, f"webhook {name} has no certificate", "restart workspace-controller"
        )
    return Finding(Level.OK, f"{name} is registered")


def check_node_provisioner(health: Health) -> Finding:
    chosen = health.release.node_provisioner
    if chosen is None:
        return Finding(Level.WARN, "not checked: the release's settings are not readable")
    kind = _CLAIM_KINDS.get(chosen)
    if kind is None:
        return Finding(Level.OK, "byo: you provide the nodes, and none is requested")
    if health.crds is None:
        return _unread("CustomResourceDefinitions")
    return _claim_kind(health, chosen, kind)


def check_gpu_provisioner(health: Health) -> Finding:
    release = health.release
    if release.provisioner is not None:
        return _deployment(health, release.provisioner)
    if release.node_provisioner in ("machine", "nodeclaim"):
        return Finding(
            Level.WARN,
            "gpu-provisioner is not installed: no node is created unless another controller acts "
            "on Machines or NodeClaims",
            "set gpu-provisioner.enabled=true, or install Karpenter",
        )
    return Finding(Level.OK, f"not needed with nodeProvisioner {release.node_provisioner}")


def check_gpus(health: Health) -> Finding:
    if health.nodes is None:
        return _unread("Nodes")
    gpu_nodes = [node for node in health.nodes if _has_gpus(node)]
    silent = [key_of(node).name for node in gpu_nodes if not _advertised(node)]
    if silent:
        return Finding(
            Level.FAIL,
            f"{', '.join(silent[:3])} advertise no {labels.GPU_RESOURCE}",
            f"kubectl describe node {silent[0]}, and look for the device plugin's pod and the "
            "driver",
        )
    if not gpu_nodes:
        return Finding(Level.OK, "no GPU node now")
    total = sum(_advertised(node) for node in gpu_nodes)
    return Finding(Level.OK, f"{plural(len(gpu_nodes), 'node')} advertise {plural(total, 'GPU')}")


def check_image_volumes(health: Health) -> Finding:
    delivery = health.release.setting("KAITO_MODEL_DELIVERY")
    if delivery != "image-volume":
        return Finding(Level.OK, f"not needed with modelDelivery {delivery or 'unknown'}")
    versions = [health.version, *(_kubelet(node) for node in health.nodes or ())]
    oldest = min((v for each in versions if (v := _parsed(each))), default=None)
    if oldest is not None and oldest < _IMAGE_VOLUMES_SINCE:
        return Finding(
            Level.WARN,
            f"Kubernetes {oldest[0]}.{oldest[1]} has image volumes only behind a feature gate",
            "set workspace-controller.settings.modelDelivery=init-copy, or enable ImageVolume on "
            "the API server and the kubelets",
        )
    return Finding(Level.OK, "on by default in this version")


def check_dns(health: Health) -> Finding:
    """By the addresses behind its Service, which is what pods ask; else by its pods."""
    if health.dns_slices:
        return _dns_addresses(health.dns_slices)
    if health.dns_pods is None:
        return _unread("pods of kube-system")
    if not health.dns_pods:
        return Finding(
            Level.WARN,
            "kube-system has no pod with the label k8s-app=kube-dns, and no server behind Service "
            "kube-dns",
            "make sure that the cluster has a DNS: pods find registries and data by name",
        )
    ready = sum(_is_ready(pod) for pod in health.dns_pods)
    if not ready:
        return Finding(
            Level.FAIL,
            "no DNS pod is ready: images and data cannot be found by name",
            "kubectl -n kube-system describe pod -l k8s-app=kube-dns",
        )
    return Finding(Level.OK, f"{ready} of {plural(len(health.dns_pods), 'pod')} ready")


def _dns_addresses(slices: Sequence[Manifest]) -> Finding:
    endpoints = [each for found in slices for each in found.get("endpoints") or ()]
    # One without the condition counts as ready.
    ready = [e for e in endpoints if (e.get("conditions") or {}).get("ready") is not False]
    if not ready:
        return Finding(
            Level.FAIL,
            "no server behind Service kube-system/kube-dns is ready: images and data cannot be "
            "found by name",
            "kubectl -n kube-system get service,endpointslices,pods -o wide",
        )
    return Finding(Level.OK, f"{plural(len(ready), 'server')} behind Service kube-system/kube-dns")


def check_identity(health: Health) -> Finding:
    """What the last calls to Azure gave: a right that is missing shows at the first node."""
    refused = [
        (key_of(claim).name, condition)
        for claim in health.claims
        for condition in facts.conditions_of(claim)
        if condition.reason in _IDENTITY_REASONS and not condition.is_true
    ]
    if refused:
        name, condition = refused[0]
        reason = REASONS[condition.reason]
        return Finding(
            Level.FAIL, f"{condition.reason} of claim {name}: {condition.message}", reason.remedy
        )
    if not health.claims:
        return Finding(Level.OK, "not tried: no node is requested now")
    return Finding(Level.OK, f"{plural(len(health.claims), 'claim')} without a refusal of Azure")


def check_registries(health: Health) -> Finding:
    """What the pods of Kaito and of Workspaces say about their images and adapters."""
    if health.pods is None or health.workspaces is None:
        return _unread("pods and Workspaces of all namespaces")
    for pod in health.pods:
        if (problem := unreachable_image(pod)) is not None:
            return Finding(
                Level.FAIL,
                problem,
                f"kubectl -n {key_of(pod).namespace} describe pod {key_of(pod).name}, and make "
                "sure that nodes reach the registry: its name in DNS, firewall, proxy",
            )
    for workspace in health.workspaces:
        for condition in facts.conditions_of(workspace):
            if condition.reason == Reason.REGISTRY_UNREACHABLE and not condition.is_true:
                return Finding(
                    Level.FAIL,
                    f"Workspace {key_of(workspace)}: {condition.message}",
                    Reason.REGISTRY_UNREACHABLE.remedy,
                )
    return Finding(Level.OK, "no pod waits for a registry that does not answer")


def check_rights(health: Health) -> Finding:
    missing = [right for right, allowed in health.rights.items() if not allowed]
    if missing:
        return Finding(
            Level.WARN,
            f"you may not, in {health.namespace}: {', '.join(missing)}",
            "ask the cluster's administrator for a Role with these rights",
        )
    return Finding(Level.OK, f"all that the commands need in {health.namespace}")


def check_prices(health: Health) -> Finding:
    if health.prices_problem is not None:
        return Finding(
            Level.WARN, health.prices_problem, "plans show recorded prices, with their date"
        )
    return Finding(Level.OK, "Azure's price list answers")


CHECKS: dict[str, Callable[[Health], Finding]] = {
    "Workspace CRD": check_workspace_crd,
    "workspace-controller": check_controller,
    "leader": check_leader,
    "webhook": check_webhook,
    "node provisioner": check_node_provisioner,
    "gpu-provisioner": check_gpu_provisioner,
    "GPUs": check_gpus,
    "image volumes": check_image_volumes,
    "DNS": check_dns,
    "cloud identity": check_identity,
    "registries": check_registries,
    "your rights": check_rights,
    "prices": check_prices,
}


def _unread(what: str) -> Finding:
    return Finding(Level.WARN, f"not checked: you may not read {what}")


def _deployment(health: Health, deployment: Manifest) -> Finding:
    key = key_of(deployment)
    wanted = int((deployment.get("spec") or {}).get("replicas") or 0)
    available = health.release.available(deployment)
    if available == 0:
        remedy = (
            f"kubectl -n {key.namespace} describe pod; the last line of the log names a bad setting"
        )
        return Finding(Level.FAIL, f"Deployment {key} has no available pod", remedy)
    if available < wanted:
        detail = f"{available} of {wanted} pods of Deployment {key} are available"
        return Finding(Level.WARN, detail, f"kubectl -n {key.namespace} get pods")
    return Finding(Level.OK, f"{available} of {wanted} pods available in {key.namespace}")


def _claim_kind(health: Health, chosen: str, kind: Kind) -> Finding:
    crd = (health.crds or {}).get(f"{kind.plural}.{kind.group}")
    if crd is None or kind.version not in _served(crd):
        return Finding(
            Level.FAIL,
            f"nodeProvisioner {chosen} needs {kind.kind} ({kind.api_version}), which the cluster "
            "does not serve",
            "install gpu-provisioner or Karpenter, or set nodeProvisioner to byo",
        )
    return Finding(Level.OK, f"{chosen}: {kind.api_version} {kind.kind} is served")


def _served(crd: Manifest) -> list[str]:
    versions = (crd.get("spec") or {}).get("versions") or ()
    return [str(v.get("name")) for v in versions if v.get("served")]


def _fields(crd: Manifest) -> list[str]:
    for version in (crd.get("spec") or {}).get("versions") or ():
        if version.get("name") == WORKSPACE.version:
            schema = (version.get("schema") or {}).get("openAPIV3Schema") or {}
            status = (schema.get("properties") or {}).get("status") or {}
            return list(status.get("properties") or ())
    return []


def _status_fields() -> list[str]:
    return [str(field.alias) for field in WorkspaceStatus.model_fields.values()]


def _has_gpus(node: Manifest) -> bool:
    own = labels_of(node)
    if own.get("accelerator") == "nvidia" or labels.WORKSPACE in own:
        return True
    return catalog.load().find(own.get(labels.INSTANCE_TYPE, "")) is not None


def _advertised(node: Manifest) -> int:
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    gpus = [str(v) for k, v in allocatable.items() if k.startswith("nvidia.com/")]
    return sum(int(value) for value in gpus if value.isdecimal())


def _kubelet(node: Manifest) -> str:
    return str(((node.get("status") or {}).get("nodeInfo") or {}).get("kubeletVersion") or "")


def _parsed(version: str) -> tuple[int, int] | None:
    major, _, rest = version.removeprefix("v").partition(".")
    minor = rest.partition(".")[0].rstrip("+")
    return (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else None


def _is_ready(pod: Manifest) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)
