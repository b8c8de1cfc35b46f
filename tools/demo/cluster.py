"""Sets up what the walkthrough needs: cluster, models, images, cloud and release.

Every step is idempotent and takes little time when its work is already done.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tools.demo import bad_data, cloud, manifests, release
from tools.demo.kubectl import CommandFailed, Kubectl, run, wait_for
from tools.demo.phase_timer import PhaseTimer
from tools.demo.user_inputs import UserInputs
from tools.local_cluster.paths import Paths
from tools.venvs import ROOT

NAMESPACE = "kaito-system"
REGISTRY = "172.30.0.1:5000"
# The same store, but with a login, like any registry to which adapters are pushed.
PUSH_REGISTRY = "172.30.0.1:5001"
PUSH_LOGIN = ("kaito", "local-registry")
CHART = ROOT / "charts" / "kaito"
CONTROLLER_PODS = "app.kubernetes.io/name in (workspace-controller,gpu-provisioner)"


@dataclass(frozen=True, slots=True)
class KaitoCluster:
    """A cluster with Kaito installed, how to reach it, and the values that its user provides."""

    kubectl: Kubectl
    provisioner: str
    inputs: UserInputs


def _tool(module: str, *arguments: str) -> None:
    """Run one of this repository's tools and show its progress.

    Raises:
        CommandFailed: the tool exits with an error.
    """
    command = [sys.executable, "-m", module, *arguments]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise CommandFailed(
            f"python -m {' '.join([module, *arguments])} failed: its output is above"
        )


def _tool_json(module: str, *arguments: str) -> dict[str, str]:
    """Run a tool and return the JSON that it prints; its progress goes to the terminal.

    Raises:
        CommandFailed: the tool exits with an error.
    """
    command = [sys.executable, "-m", module, *arguments, "-o", "json"]
    done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise CommandFailed(
            f"python -m {' '.join([module, *arguments])} failed: its output is above"
        )
    output: dict[str, str] = json.loads(done.stdout)
    return output


def set_up(timer: PhaseTimer, provisioner: str) -> KaitoCluster:
    """Set up the local cluster with Kaito, from scratch or from whatever exists.

    Raises:
        CommandFailed: a step fails.
    """
    paths = Paths.from_env(os.environ)
    with timer.phase("build the cluster's programs"):
        _tool("tools.local_cluster", "build")
    with timer.phase("start the cluster"):
        _tool("tools.local_cluster", "up")
    with timer.phase("train the small model, build the images, push both"):
        images = _model_and_images()
    with timer.phase("start the AKS emulator"):
        _tool("tools.aks_emulator", "up")
    kubectl = _kubectl(paths)
    with timer.phase(f"helm install kaito charts/kaito (nodes as {provisioner})"):
        install(kubectl, paths, images, provisioner)
    return KaitoCluster(kubectl, provisioner, local_inputs(images["curl"]))


def _kubectl(paths: Paths) -> Kubectl:
    return Kubectl(str(paths.bin / "kubectl"), ("--kubeconfig", str(paths.kubeconfig)))


def _model_and_images() -> dict[str, str]:
    """Train and build in parallel: each keeps about one CPU core busy."""
    with ThreadPoolExecutor(max_workers=1) as background:
        training = background.submit(_tool, "tools.preset_models")
        images = local_images()
        training.result()
    return images


def local_inputs(curl_image: str) -> UserInputs:
    """The inputs on the local cluster: its registry with a login, and its own data server."""
    return UserInputs(
        image=f"{PUSH_REGISTRY}/adapters/phi-3-dolly:0.0.1",
        secret=manifests.SECRET,
        data_url=f"http://data-server.default.svc{manifests.DATA_PATH}",
        curl_image=curl_image,
        pools=cloud.pool_names,
        login=PUSH_LOGIN,
        plain_http=True,
    )


def install(kubectl: Kubectl, paths: Paths, images: dict[str, str], provisioner: str) -> None:
    """Install or upgrade the release and the data servers, and wait for their pods."""
    trust_emulator(kubectl, paths, NAMESPACE)
    values = local_values(images, provisioner)
    run(
        *(paths.bin / "helm", "upgrade", "--install", "kaito", CHART, "--namespace", NAMESPACE),
        *("--kubeconfig", paths.kubeconfig, "--values", "-", "--take-ownership"),
        *("--wait", "--timeout", "3m"),
        stdin=json.dumps(values),
    )
    wait_for_ended_controllers(kubectl)
    kubectl.apply(
        *manifests.data_server("data-server", images["data-server"]),
        *bad_data.server(images["data-server"]),
        manifests.push_secret(manifests.SECRET, PUSH_REGISTRY, *PUSH_LOGIN),
    )
    wait_for("the data server", lambda: _unavailable(kubectl, "data-server"), 60)


def reconfigure(values: Mapping[str, str]) -> None:
    """Change values of the installed release, by their full names.

    Raises:
        CommandFailed: Helm refuses them, or a pod of the release does not become ready.
    """
    paths = Paths.from_env(os.environ)
    run(
        *(paths.bin / "helm", "upgrade", "kaito", CHART, "--namespace", NAMESPACE),
        *("--kubeconfig", paths.kubeconfig, "--reset-then-reuse-values"),
        *(word for name, value in values.items() for word in ("--set", f"{name}={value}")),
        *("--wait", "--timeout", "3m"),
    )
    wait_for_ended_controllers(_kubectl(paths))


def wait_for_ended_controllers(kubectl: Kubectl) -> None:
    """Wait for those that are being deleted: Helm does not, and until their end they may act, and
    answer the webhook, by the values before."""

    def ending() -> str | None:
        pods = kubectl.items("pods", "-n", NAMESPACE, "-l", CONTROLLER_PODS)
        found = [each["metadata"] for each in pods]
        return ", ".join(each["name"] for each in found if "deletionTimestamp" in each) or None

    wait_for("the controllers before to end", ending, 60)


def trust_emulator(kubectl: Kubectl, paths: Paths, namespace: str) -> None:
    """Create the namespace of a release, with the certificate authority of the AKS emulator."""
    authority = (paths.home / "aks" / "ca.pem").read_text()
    kubectl.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "arm-ca", "namespace": namespace},
            "data": {"ca.crt": authority},
        },
    )


def local_images() -> dict[str, str]:
    """The images of this checkout by name, in the local registry."""
    return _tool_json("tools.images", "push")


def local_values(images: dict[str, str], provisioner: str) -> release.Values:
    return release.values(images, [REGISTRY, PUSH_REGISTRY], provisioner, _cpu_env(os.environ))


def _cpu_env(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that `make CPU=avx2` sets, for the pods as well."""
    names = ("KAITO_CPU_BFLOAT16", "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA")
    return {name: environ[name] for name in names if name in environ}


def _unavailable(kubectl: Kubectl, deployment: str) -> str | None:
    found = kubectl.get("deployment", deployment)
    ready = ((found or {}).get("status") or {}).get("availableReplicas", 0)
    return None if ready else f"deployment {deployment} has no available replica"


def clear(cluster: KaitoCluster) -> None:
    """Delete the Workspaces of an earlier run and wait until their nodes are gone."""
    cluster.kubectl.delete("workspace", *manifests.WORKSPACES, timeout=180)
    wait_for("earlier nodes to be deleted", lambda: _remaining(cluster.kubectl), 120)
    _delete_adapter(cluster.inputs)


def _delete_adapter(inputs: UserInputs) -> None:
    """Free the tag in the local registry, which outlives the cluster and the Workspace that pushed
    the adapter. The registry of a user's own cluster is left alone."""
    if inputs.login is not None:
        login = ("--creds", ":".join(inputs.login))
        command = ["skopeo", "delete", "--tls-verify=false", *login, f"docker://{inputs.image}"]
        # It fails if there is no such tag.
        subprocess.run(command, check=False, capture_output=True)


def _remaining(kubectl: Kubectl) -> str | None:
    owners = f"kaito.sh/workspace in ({','.join(manifests.WORKSPACES)})"
    claims = kubectl.items("machines.karpenter.sh,nodeclaims.karpenter.sh", "-l", owners)
    remaining = [f"{claim['kind']} {claim['metadata']['name']}" for claim in claims]
    remaining += [f"agent pool {name}" for name in cloud.pool_names()]
    return ", ".join(remaining) or None


if __name__ == "__main__":
    set_up(PhaseTimer(), "machine")
