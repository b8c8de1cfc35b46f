"""The eleven claims of the documentation's walkthrough, each checked against the live system."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.demo import manifests
from tools.demo.chat_client import result_of
from tools.demo.kubectl import CommandFailed, Kubectl

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a run of the walkthrough produced.

    `untuned` and `tuned` are the response bodies of /chat to the same `question`. `applied` is the
    manifest that was applied, `example` the documentation's.
    """

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
class CheckResult:
    number: int
    claim: str
    observed: str
    passed: bool


class CheckFailed(Exception):
    """A claim does not hold; the message says what was found instead."""


Check = Callable[[Evidence], str]


def _require(condition: object, failure: str) -> None:
    if not condition:
        raise CheckFailed(failure)


def _pod(evidence: Evidence) -> Manifest:
    labels = f"kaito.sh/workspace={manifests.TUNED},kaito.sh/role=inference"
    pods = evidence.kubectl.items("pods", "-l", labels)
    _require(pods, f"no pod has the labels {labels}")
    return pods[0]


def _container(pod: Manifest, name: str) -> Manifest:
    found = [c for c in pod["spec"]["containers"] if c["name"] == name]
    _require(found, f"the pod has no container {name}")
    container: Manifest = found[0]
    return container


def _model_image(evidence: Evidence) -> str:
    volumes = _pod(evidence)["spec"]["volumes"]
    images = [v["image"]["reference"] for v in volumes if "image" in v]
    model = [i for i in images if "kaito-phi-3-mini-128k-instruct" in i]
    _require(model, f"the pod does not mount the preset's image, only {images}")
    return str(model[0])


def _images_and_http(evidence: Evidence) -> str:
    image = _model_image(evidence)
    server = _container(_pod(evidence), "model-server")
    gateway = _container(_pod(evidence), "inference-gateway")
    ports = [port["containerPort"] for port in gateway["ports"]]
    _require(5000 in ports, f"the gateway listens on {ports}")
    names = [c["image"].rsplit("/", 1)[1].split(":")[0] for c in (server, gateway)]
    return f"{image}, served by {' behind '.join(names)}"


def _no_deployment_parameters(evidence: Evidence) -> str:
    _require("gpu" not in evidence.applied.lower(), "the manifest mentions GPUs")
    limits = _container(_pod(evidence), "model-server")["resources"]["limits"]
    gpus = limits.get("nvidia.com/gpu")
    _require(gpus, f"the preset did not request a GPU for the pod: {limits}")
    return f"the manifest sets no parameters; the preset requests nvidia.com/gpu: {gpus}"


def _node(evidence: Evidence) -> Manifest:
    nodes = evidence.kubectl.items("nodes", "-l", f"kaito.sh/workspace={manifests.TUNED}")
    _require(nodes, "no node has the Workspace's label")
    return nodes[0]


def _nodes_provisioned(evidence: Evidence) -> str:
    node = _node(evidence)
    workspace = evidence.kubectl.get("workspace", manifests.TUNED)
    assert workspace is not None
    created = node["metadata"]["creationTimestamp"]
    _require(
        created >= workspace["metadata"]["creationTimestamp"],
        "the node is older than the Workspace",
    )
    size = node["metadata"]["labels"]["node.kubernetes.io/instance-type"]
    return f"{node['metadata']['name']} ({size}) was created for it"


def _registry_replaceable(evidence: Evidence) -> str:
    image = _model_image(evidence)
    _require(
        image.startswith(evidence.preset_registry + "/"),
        f"{image} is not from {evidence.preset_registry}",
    )
    _require(
        evidence.default_registry.startswith("mcr.microsoft.com"),
        f"the chart's default is {evidence.default_registry}",
    )
    return f"default {evidence.default_registry}, here {evidence.preset_registry}"


def _claims(evidence: Evidence) -> list[Manifest]:
    kind = "machines" if evidence.provisioner == "machine" else "nodeclaims"
    label = f"kaito.sh/workspace={manifests.TUNED}"
    claims = evidence.kubectl.items(f"{kind}.karpenter.sh", "-l", label)
    _require(claims, f"the controller created no {kind}")
    return claims


def _controller_reconciles(evidence: Evidence) -> str:
    claim = _claims(evidence)[0]
    deployment = evidence.kubectl.get("deployment", manifests.TUNED)
    _require(deployment, f"there is no deployment {manifests.TUNED}")
    assert deployment is not None
    owner = deployment["metadata"]["ownerReferences"][0]
    _require(owner["kind"] == "Workspace", f"the deployment is owned by a {owner['kind']}")
    name = claim["metadata"]["name"]
    return f"{claim['kind'].lower()} {name}, deployment {manifests.TUNED}"


def _provisioner_creates_agent_pool(evidence: Evidence) -> str:
    claim = _claims(evidence)[0]
    name = claim["metadata"]["name"]
    _require(name in evidence.pools, f"AKS has no agent pool {name}, only {evidence.pools}")
    ready = [c for c in claim["status"]["conditions"] if c["type"] == "Ready"]
    _require(ready and ready[0]["status"] == "True", f"{name} is not Ready")
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
    _require(wanted <= set(names), f"only {sorted(names)} are installed")
    _require(all(names[name] for name in wanted), f"not all are available: {names}")
    return "helm install kaito charts/kaito: " + ", ".join(sorted(names))


def _manifest_unchanged(evidence: Evidence) -> str:
    example, applied = evidence.example.splitlines(), evidence.applied.splitlines()
    changed = [a.strip() for a, e in zip(applied, example, strict=True) if a != e]
    _require(
        len(changed) == 3,
        f"{len(changed)} lines differ from the documentation's manifest: {changed}",
    )
    return "kubectl apply -f accepts it; only registry, Secret and data URL are replaced"


_HEADER = ["NAME", "INSTANCE", "RESOURCEREADY", "INFERENCEREADY", "WORKSPACEREADY", "AGE"]


def _get_workspace(evidence: Evidence) -> str:
    lines = evidence.kubectl.run("get", "workspace", manifests.TUNED).splitlines()
    _require(lines[0].split() == _HEADER, f"the columns are {lines[0]}")
    row = lines[1].split()
    _require(row[1:5] == ["Standard_NC6s_v3", "True", "True", "True"], f"the row is {lines[1]}")
    return " ".join(row)


_SERVICE = re.compile(r"^\S+\s+ClusterIP\s+[\d.]+\s+<none>\s+80/TCP,29500/TCP\s+\S+$")


def _get_service(evidence: Evidence) -> str:
    row = evidence.kubectl.run("get", "svc", manifests.TUNED).splitlines()[1]
    _require(_SERVICE.match(row.strip()), f"the row is {row}")
    return " ".join(row.split())


def _chat_answers_tuned(evidence: Evidence) -> str:
    before, after = result_of(evidence.untuned), result_of(evidence.tuned)
    _require(after.strip(), "the answer is empty")
    _require(before != after, f"tuning changed nothing: {after!r}")
    _require(
        "Arr!" in after and "Arr!" not in before,
        f"the answer lacks the style of the dataset: {after!r}",
    )
    return evidence.tuned


CHECKS: tuple[tuple[str, Check], ...] = (
    ("model files come as images, and an HTTP server serves them", _images_and_http),
    ("presets set the deployment parameters", _no_deployment_parameters),
    ("GPU nodes are provisioned for what the model needs", _nodes_provisioned),
    ("the registry of the model images can be replaced", _registry_replaceable),
    ("the controller creates node claims and the workload", _controller_reconciles),
    ("gpu-provisioner adds AKS nodes for Karpenter's CRDs", _provisioner_creates_agent_pool),
    ("the release is installed as documented", _installed),
    ("the documented manifest is applied unchanged", _manifest_unchanged),
    ("kubectl get workspace turns True", _get_workspace),
    ("kubectl get svc shows the Workspace's Service", _get_service),
    ("/chat answers from the tuned model", _chat_answers_tuned),
)


def run_checks(evidence: Evidence) -> list[CheckResult]:
    return [_check(n, claim, check, evidence) for n, (claim, check) in enumerate(CHECKS, 1)]


def _check(number: int, claim: str, check: Check, evidence: Evidence) -> CheckResult:
    try:
        return CheckResult(number, claim, check(evidence), True)
    except (CheckFailed, CommandFailed, KeyError, IndexError) as error:
        return CheckResult(number, claim, f"{type(error).__name__}: {error}", False)


def table(results: list[CheckResult]) -> str:
    rows = [
        f"{result.number:>3}  {'yes' if result.passed else 'NO '}  {result.claim}\n"
        f"          {result.observed}"
        for result in results
    ]
    return "\n".join(rows)
