"""Runs the page from its first line to its last, and gathers the evidence."""

import time
from dataclasses import dataclass

import yaml

from tools.demo import asking, manifests
from tools.demo.kubectl import Kubectl, run, wait_for
from tools.demo.points import Evidence
from tools.demo.reader import Reader
from tools.demo.stage import CHART, NAMESPACE, Stage
from tools.demo.timeline import Timeline
from tools.venvs import ROOT

QUESTION = "What is the capital of Japan?"
EXAMPLE = ROOT / "examples" / "fine-tuning" / "kaito_workspace_tuning_phi_3.yaml"
UNTUNED = ROOT / "examples" / "inference" / "kaito_workspace_phi_3.yaml"
_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Watch:
    """Prints the Workspace's row whenever it changes."""

    kubectl: Kubectl
    name: str

    def until_ready(self, seconds: float = _SECONDS) -> float:
        shown = ""

        def look() -> str | None:
            nonlocal shown
            row = self.kubectl.run("get", "workspace", self.name, "-o", "wide").splitlines()
            without_age = [word for word in row[1].split() if not _is_age(word)]
            if (text := " ".join(without_age)) != shown:
                print(row[0] + "\n" + row[1] if not shown else row[1], flush=True)
                shown = text
            return self._trouble()

        return wait_for(f"workspace {self.name}", look, seconds, pause=1.0)

    def _trouble(self) -> str | None:
        found = self.kubectl.get("workspace", self.name) or {}
        conditions = (found.get("status") or {}).get("conditions") or []
        if any(c["type"] == "WorkspaceReady" and c["status"] == "True" for c in conditions):
            return None
        lacking = [f"{c['type']}: {c['reason']} {c['message']}" for c in conditions
                   if c["status"] != "True"]  # fmt: skip
        return "; ".join(lacking) or "it has no conditions yet"


def _is_age(word: str) -> bool:
    return word[-1:] in "smh" and word[:1].isdigit()


def applied_text(reader: Reader) -> str:
    """The documentation's manifest with the reader's registry, secret and data address."""
    return manifests.tuning(EXAMPLE.read_text(), reader.image, reader.secret, reader.data_url)


def walk(stage: Stage, timeline: Timeline, question: str = QUESTION) -> Evidence:
    """From `kubectl apply` to the answers. Raises CommandFailed or Waited."""
    kubectl = stage.kubectl
    example, applied = EXAMPLE.read_text(), applied_text(stage.reader)
    with timeline.phase(f"kubectl apply -f {EXAMPLE.relative_to(ROOT)}"):
        kubectl.run("apply", "-f", "-", stdin=applied)
        kubectl.run("apply", "-f", str(UNTUNED))
    with timeline.phase("nodes, training, push, serving: until WORKSPACEREADY is True"):
        Watch(kubectl, manifests.NAME).until_ready()
        Watch(kubectl, manifests.UNTUNED).until_ready()
    with timeline.phase("ask"):
        untuned, tuned = _ask_both(stage, question)
    return Evidence(
        kubectl=kubectl,
        namespace=NAMESPACE,
        provisioner=stage.provisioner,
        preset_registry=_preset_registry(kubectl),
        example=example,
        applied=applied,
        question=question,
        untuned=untuned,
        tuned=tuned,
        pools=stage.reader.pools(),
        default_registry=_default_registry(),
    )


def _ask_both(stage: Stage, question: str) -> tuple[str, str]:
    kubectl = stage.kubectl
    kubectl.show("get", "workspace")
    kubectl.show("get", "workspace", "-o", "wide")
    kubectl.show("get", "svc")
    curl = stage.reader.curl_image
    untuned = asking.chat(kubectl, manifests.UNTUNED, question, curl)
    tuned = asking.chat(kubectl, manifests.NAME, question, curl)
    print(f"asked: {question}")
    print(f"  /chat before tuning ({manifests.UNTUNED}): {untuned}")
    print(f"  /chat after tuning  ({manifests.NAME}): {tuned}")
    answer = asking.grpc(kubectl, manifests.NAME, question)
    print(f"  gRPC on 29500       ({manifests.NAME}): {answer}", flush=True)
    _show_adapter(kubectl, stage.reader)
    return untuned, tuned


def _show_adapter(kubectl: Kubectl, reader: Reader) -> None:
    """The adapter's digest as skopeo pulls it, beside the one that the status names."""
    workspace = kubectl.get("workspace", manifests.NAME) or {}
    adapter = workspace["status"]["adapter"]
    reference = f"docker://{adapter['image']}"
    login = ("--creds", ":".join(reader.login)) if reader.login else ()
    plain = ("--tls-verify=false",) if reader.plain_http else ()
    asked = ("--format", "{{.Digest}}", reference)
    pulled = run("skopeo", "inspect", *plain, *login, *asked).strip()
    print(f"  adapter image {adapter['image']}")
    print(f"    digest by skopeo {pulled}")
    print(f"    digest in status {adapter['digest']}", flush=True)


def delete(stage: Stage, timeline: Timeline) -> None:
    """`kubectl delete workspace`, and nothing of it is left."""
    kubectl = stage.kubectl
    with timeline.phase("kubectl delete workspace: until nothing is left"):
        began = time.monotonic()
        for name in (manifests.NAME, manifests.UNTUNED):
            kubectl.delete("workspace", name, wait=False)
        wait_for("everything to go", lambda: leftovers(stage), 120)
        print(f"    nothing left after {time.monotonic() - began:.1f} s")


def leftovers(stage: Stage) -> str | None:
    """Everything that belongs to a Workspace and still exists, or None."""
    kubectl = stage.kubectl
    found = [
        f"{item['kind']}/{item['metadata']['name']}"
        for kind in (
            "workspaces,machines.karpenter.sh,nodeclaims.karpenter.sh",
            "pods,jobs,deployments,statefulsets,services",
            "nodes",
        )
        for item in kubectl.items(kind, *(() if "workspaces" in kind else _LABELLED))
    ]
    found += [f"agent pool {name}" for name in stage.reader.pools() if name.startswith("ws")]
    return ", ".join(found) or None


_LABELLED = ("-l", "kaito.sh/workspace")


def _preset_registry(kubectl: Kubectl) -> str:
    """The registry that the release was installed with."""
    name = "kaito-workspace-controller"
    found = kubectl.get("deployment", name, "-n", NAMESPACE) or {}
    environment = found["spec"]["template"]["spec"]["containers"][0]["env"]
    return next(str(e["value"]) for e in environment if e["name"] == "KAITO_PRESET_REGISTRY")


def _default_registry() -> str:
    values = yaml.safe_load((CHART / "charts" / "workspace-controller" / "values.yaml").read_text())
    return str(values["settings"]["presetRegistry"])
