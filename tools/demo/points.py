"""The eleven promises of the documentation's page, each checked against the live system."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.demo import manifests
from tools.demo.asking import result_of
from tools.demo.kubectl import CommandFailed, Kubectl

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the run left behind. `untuned` and `tuned` are the bodies that /chat answered to the
    same `question`; `applied` is the text that was applied, `example` the documentation's."""

    kubectl: Kubectl
    namespace: str
    provisioner: str
    preset_registry: str
    example: str
    applied: str
    question: str
    untuned: str
    tuned: str
    pools: list[str]
    default_registry: str


@dataclass(frozen=True, slots=True)
class Point:
    number: int
    promise: str
    seen: str
    holds: bool


class Unkept(Exception):
    """A promise that does not hold; the message says what stands instead."""


Check = Callable[[Evidence], str]


def _need(holds: object, otherwise: str) -> None:
    if not holds:
        raise Unkept(otherwise)


def _pod(evidence: Evidence) -> Manifest:
    labels = f"kaito.sh/workspace={manifests.NAME},kaito.sh/role=inference"
    pods = evidence.kubectl.items("pods", "-l", labels)
    _need(pods, f"no pod carries {labels}")
    return pods[0]


def _container(pod: Manifest, name: str) -> Manifest:
    found = [c for c in pod["spec"]["containers"] if c["name"] == name]
    _need(found, f"the pod has no container {name}")
    container: Manifest = found[0]
    return container


def _model_image(evidence: Evidence) -> str:
    volumes = _pod(evidence)["spec"]["volumes"]
    images = [v["image"]["reference"] for v in volumes if "image" in v]
    model = [i for i in images if "kaito-phi-3-mini-128k-instruct" in i]
    _need(model, f"the pod mounts no image of the preset, only {images}")
    return str(model[0])


def _images_and_http(evidence: Evidence) -> str:
    image = _model_image(evidence)
    server = _container(_pod(evidence), "model-server")
    gateway = _container(_pod(evidence), "inference-gateway")
    ports = [port["containerPort"] for port in gateway["ports"]]
    _need(5000 in ports, f"the gateway listens on {ports}")
    names = [c["image"].rsplit("/", 1)[1].split(":")[0] for c in (server, gateway)]
    return f"{image}, served by {' behind '.join(names)}"


def _no_deployment_parameters(evidence: Evidence) -> str:
    _need("gpu" not in evidence.applied.lower(), "the manifest names GPUs")
    limits = _container(_pod(evidence), "model-server")["resources"]["limits"]
    gpus = limits.get("nvidia.com/gpu")
    _need(gpus, f"the preset gave the pod no GPU: {limits}")
    return f"the manifest names no parameter; the preset gave nvidia.com/gpu: {gpus}"


def _node(evidence: Evidence) -> Manifest:
    nodes = evidence.kubectl.items("nodes", "-l", f"kaito.sh/workspace={manifests.NAME}")
    _need(nodes, "no node carries the Workspace's label")
    return nodes[0]


def _nodes_provisioned(evidence: Evidence) -> str:
    node = _node(evidence)
    workspace = evidence.kubectl.get("workspace", manifests.NAME)
    assert workspace is not None
    made = node["metadata"]["creationTimestamp"]
    _need(
        made >= workspace["metadata"]["creationTimestamp"], "the node was there before it was asked"
    )
    size = node["metadata"]["labels"]["node.kubernetes.io/instance-type"]
    return f"{node['metadata']['name']} ({size}) was made for it"


def _registry_replaceable(evidence: Evidence) -> str:
    image = _model_image(evidence)
    _need(
        image.startswith(evidence.preset_registry + "/"),
        f"{image} is not of {evidence.preset_registry}",
    )
    _need(
        evidence.default_registry.startswith("mcr.microsoft.com"),
        f"the chart's default is {evidence.default_registry}",
    )
    return f"default {evidence.default_registry}, here {evidence.preset_registry}"


def _claims(evidence: Evidence) -> list[Manifest]:
    kind = "machines" if evidence.provisioner == "machine" else "nodeclaims"
    label = f"kaito.sh/workspace={manifests.NAME}"
    claims = evidence.kubectl.items(f"{kind}.karpenter.sh", "-l", label)
    _need(claims, f"the controller made no {kind}")
    return claims


def _controller_reconciles(evidence: Evidence) -> str:
    claim = _claims(evidence)[0]
    deployment = evidence.kubectl.get("deployment", manifests.NAME)
    _need(deployment, f"there is no deployment {manifests.NAME}")
    assert deployment is not None
    owner = deployment["metadata"]["ownerReferences"][0]
    _need(owner["kind"] == "Workspace", f"the deployment belongs to {owner['kind']}")
    name = claim["metadata"]["name"]
    return f"{claim['kind'].lower()} {name}, deployment {manifests.NAME}"


def _provisioner_meets_in_the_crd(evidence: Evidence) -> str:
    claim = _claims(evidence)[0]
    name = claim["metadata"]["name"]
    _need(name in evidence.pools, f"AKS has no agent pool {name}, only {evidence.pools}")
    ready = [c for c in claim["status"]["conditions"] if c["type"] == "Ready"]
    _need(ready and ready[0]["status"] == "True", f"{name} is not Ready")
    crd = "machines" if evidence.provisioner == "machine" else "nodeclaims"
    return f"{crd}.karpenter.sh {name} is AKS agent pool {name}"


def _installed(evidence: Evidence) -> str:
    deployments = evidence.kubectl.items("deployments", "-n", evidence.namespace)
    names = {d["metadata"]["name"]: d["status"].get("availableReplicas", 0) for d in deployments}
    wanted = {
        "kaito-workspace-controller",
        "kaito-gpu-provisioner",
        "kaito-inference-gateway",
    }
    _need(wanted <= set(names), f"only {sorted(names)} are installed")
    _need(all(names[name] for name in wanted), f"not all are available: {names}")
    return "helm install kaito charts/kaito: " + ", ".join(sorted(names))


def _manifest_as_it_stands(evidence: Evidence) -> str:
    example, applied = evidence.example.splitlines(), evidence.applied.splitlines()
    changed = [a.strip() for a, e in zip(applied, example, strict=True) if a != e]
    _need(len(changed) == 3, f"{len(changed)} lines differ from the documentation's: {changed}")
    return "kubectl apply -f took it; registry, secret and data address are the reader's own"


_HEADER = ["NAME", "INSTANCE", "RESOURCEREADY", "INFERENCEREADY", "WORKSPACEREADY", "AGE"]


def _get_workspace(evidence: Evidence) -> str:
    lines = evidence.kubectl.run("get", "workspace", manifests.NAME).splitlines()
    _need(lines[0].split() == _HEADER, f"the columns are {lines[0]}")
    row = lines[1].split()
    _need(row[1:5] == ["Standard_NC6s_v3", "True", "True", "True"], f"the row is {lines[1]}")
    return " ".join(row)


_SERVICE = re.compile(r"^\S+\s+ClusterIP\s+[\d.]+\s+<none>\s+80/TCP,29500/TCP\s+\S+$")


def _get_service(evidence: Evidence) -> str:
    row = evidence.kubectl.run("get", "svc", manifests.NAME).splitlines()[1]
    _need(_SERVICE.match(row.strip()), f"the row is {row}")
    return " ".join(row.split())


def _chat_answers_tuned(evidence: Evidence) -> str:
    before, after = result_of(evidence.untuned), result_of(evidence.tuned)
    _need(after.strip(), "the answer is empty")
    _need(before != after, f"tuning changed nothing: {after!r}")
    _need("Arr!" in after and "Arr!" not in before, f"the data's style is not heard: {after!r}")
    return evidence.tuned


CHECKS: tuple[tuple[str, Check], ...] = (
    ("model files are images, an HTTP server serves them", _images_and_http),
    ("nobody tunes deployment parameters: presets do", _no_deployment_parameters),
    ("GPU nodes are provisioned from what the model needs", _nodes_provisioned),
    ("model images come from a registry that can be replaced", _registry_replaceable),
    ("the controller makes node resources and the workload", _controller_reconciles),
    ("gpu-provisioner meets it in Karpenter's CRD, adds AKS nodes", _provisioner_meets_in_the_crd),
    ("installation follows a page", _installed),
    ("the manifest is applied as it stands", _manifest_as_it_stands),
    ("kubectl get workspace turns True", _get_workspace),
    ("kubectl get svc shows the Workspace's Service", _get_service),
    ("/chat answers from the tuned model", _chat_answers_tuned),
)


def check_all(evidence: Evidence) -> list[Point]:
    return [_point(n, promise, check, evidence) for n, (promise, check) in enumerate(CHECKS, 1)]


def _point(number: int, promise: str, check: Check, evidence: Evidence) -> Point:
    try:
        return Point(number, promise, check(evidence), True)
    except (Unkept, CommandFailed, KeyError, IndexError) as error:
        return Point(number, promise, f"{type(error).__name__}: {error}", False)


def table(points: list[Point]) -> str:
    rows = [
        f"{point.number:>3}  {'yes' if point.holds else 'NO '}  {point.promise}\n"
        f"          {point.seen}"
        for point in points
    ]
    return "\n".join(rows)
