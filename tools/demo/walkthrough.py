"""Runs the documentation's walkthrough from start to end and collects the evidence."""

import time
from dataclasses import dataclass

import yaml

from tools.demo import chat_client, manifests
from tools.demo.checks import Evidence
from tools.demo.cluster import CHART, NAMESPACE, KaitoCluster
from tools.demo.kubectl import Kubectl, run, wait_for
from tools.demo.phase_timer import PhaseTimer
from tools.demo.user_inputs import UserInputs
from tools.venvs import ROOT

QUESTION = "What is the capital of Japan?"
EXAMPLE = ROOT / "examples" / "fine-tuning" / "kaito_workspace_tuning_phi_3.yaml"
UNTUNED = ROOT / "examples" / "inference" / "kaito_workspace_phi_3.yaml"
_READY_TIMEOUT_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Watch:
    """Prints the Workspace's row whenever it changes."""

    kubectl: Kubectl
    name: str

    def until_ready(self, seconds: float = _READY_TIMEOUT_SECONDS) -> float:
        """Wait for a Workspace that was just created. One that was ready before a change still says
        so after it, until its controller has looked.
        """
        shown = ""

        def look() -> str | None:
            nonlocal shown
            row = self.kubectl.run("get", "workspace", self.name, "-o", "wide").splitlines()
            without_age = [word for word in row[1].split() if not _is_age(word)]
            if (text := " ".join(without_age)) != shown:
                print(row[0] + "\n" + row[1] if not shown else row[1], flush=True)
                shown = text
            return self._pending()

        return wait_for(f"workspace {self.name}", look, seconds, pause=1.0)

    def _pending(self) -> str | None:
        found = self.kubectl.get("workspace", self.name) or {}
        conditions = (found.get("status") or {}).get("conditions") or []
        if any(c["type"] == "WorkspaceReady" and c["status"] == "True" for c in conditions):
            return None
        lacking = [f"{c['type']}: {c['reason']} {c['message']}" for c in conditions
                   if c["status"] != "True"]  # fmt: skip
        return "; ".join(lacking) or "it has no conditions yet"


def _is_age(word: str) -> bool:
    return word[-1:] in "smh" and word[:1].isdigit()


def applied_text(inputs: UserInputs) -> str:
    """The documentation's manifest with the user's registry, Secret and data URL."""
    return manifests.tuning(EXAMPLE.read_text(), inputs.image, inputs.secret, inputs.data_url)


def walk(cluster: KaitoCluster, timer: PhaseTimer, question: str = QUESTION) -> Evidence:
    """Run everything from `kubectl apply` to the answers.

    Raises:
        CommandFailed: a command fails.
        TimedOut: a Workspace does not become ready in time.
    """
    kubectl = cluster.kubectl
    example, applied = EXAMPLE.read_text(), applied_text(cluster.inputs)
    with timer.phase(f"kubectl apply -f {EXAMPLE.relative_to(ROOT)}"):
        kubectl.run("apply", "-f", "-", stdin=applied)
        kubectl.run("apply", "-f", str(UNTUNED))
    with timer.phase("nodes, training, push, serving, until WORKSPACEREADY is True"):
        Watch(kubectl, manifests.TUNED).until_ready()
        Watch(kubectl, manifests.UNTUNED).until_ready()
    with timer.phase("ask both models"):
        untuned, tuned = _ask_both(cluster, question)
    return Evidence(
        kubectl=kubectl,
        namespace=NAMESPACE,
        provisioner=cluster.provisioner,
        preset_registry=_preset_registry(kubectl),
        example=example,
        applied=applied,
        question=question,
        untuned=untuned,
        tuned=tuned,
        pools=cluster.inputs.pools(),
        default_registry=_default_registry(),
    )


def _ask_both(cluster: KaitoCluster, question: str) -> tuple[str, str]:
    kubectl = cluster.kubectl
    kubectl.show("get", "workspace")
    kubectl.show("get", "workspace", "-o", "wide")
    kubectl.show("get", "svc")
    curl = cluster.inputs.curl_image
    untuned = chat_client.chat(kubectl, manifests.UNTUNED, question, curl)
    tuned = chat_client.chat(kubectl, manifests.TUNED, question, curl)
    print(f"asked: {question}")
    print(f"  /chat before tuning ({manifests.UNTUNED}): {untuned}")
    print(f"  /chat after tuning  ({manifests.TUNED}): {tuned}")
    answer = chat_client.grpc(kubectl, manifests.TUNED, question)
    print(f"  gRPC on 29500       ({manifests.TUNED}): {answer}", flush=True)
    _show_adapter(kubectl, cluster.inputs)
    return untuned, tuned


def _show_adapter(kubectl: Kubectl, inputs: UserInputs) -> None:
    """Print the adapter's digest in the registry next to the one in the status."""
    workspace = kubectl.get("workspace", manifests.TUNED) or {}
    adapter = workspace["status"]["adapter"]
    reference = f"docker://{adapter['image']}"
    login = ("--creds", ":".join(inputs.login)) if inputs.login else ()
    plain = ("--tls-verify=false",) if inputs.plain_http else ()
    arguments = ("--format", "{{.Digest}}", reference)
    pulled = run("skopeo", "inspect", *plain, *login, *arguments).strip()
    print(f"  adapter image {adapter['image']}")
    print(f"    digest in the registry {pulled}")
    print(f"    digest in the status   {adapter['digest']}", flush=True)


def delete(cluster: KaitoCluster, timer: PhaseTimer) -> None:
    """Delete the Workspaces and wait until nothing is left of them."""
    kubectl = cluster.kubectl
    with timer.phase("kubectl delete workspace, until nothing is left"):
        began = time.monotonic()
        for name in (manifests.TUNED, manifests.UNTUNED):
            kubectl.delete("workspace", name, wait=False)
        wait_for("everything to be deleted", lambda: leftovers(cluster), 120)
        print(f"    nothing left after {time.monotonic() - began:.1f} s")


def leftovers(cluster: KaitoCluster) -> str | None:
    """Everything that belongs to a Workspace and still exists; None if nothing does."""
    kubectl = cluster.kubectl
    found = [
        f"{item['kind']}/{item['metadata']['name']}"
        for kind in (
            "workspaces,machines.karpenter.sh,nodeclaims.karpenter.sh",
            "pods,jobs,deployments,statefulsets,services",
            "nodes",
        )
        for item in kubectl.items(kind, *(() if "workspaces" in kind else _LABELLED))
    ]
    found += [f"agent pool {name}" for name in cluster.inputs.pools() if name.startswith("ws")]
    return ", ".join(found) or None


_LABELLED = ("-l", "kaito.sh/workspace")


def _preset_registry(kubectl: Kubectl) -> str:
    """The preset registry of the installed release."""
    name = "kaito-workspace-controller"
    found = kubectl.get("deployment", name, "-n", NAMESPACE) or {}
    environment = found["spec"]["template"]["spec"]["containers"][0]["env"]
    return next(str(e["value"]) for e in environment if e["name"] == "KAITO_PRESET_REGISTRY")


def _default_registry() -> str:
    values = yaml.safe_load((CHART / "charts" / "workspace-controller" / "values.yaml").read_text())
    return str(values["settings"]["presetRegistry"])
