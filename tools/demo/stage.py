"""Brings up what the walkthrough needs: cluster, models, images, cloud, release. Every step
does nothing where its work is done already."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tools.demo import bad_data, cloud, manifests, release
from tools.demo.kubectl import CommandFailed, Kubectl, run, wait_for
from tools.demo.reader import Reader
from tools.demo.timeline import Timeline
from tools.local_cluster.paths import Paths
from tools.venvs import ROOT

NAMESPACE = "kaito-system"
REGISTRY = "172.30.0.1:5000"
# The same store behind a login, as a registry that adapters are pushed to has one.
PUSH_REGISTRY = "172.30.0.1:5001"
PUSH_LOGIN = ("kaito", "local-registry")
CHART = ROOT / "charts" / "kaito"


@dataclass(frozen=True, slots=True)
class Stage:
    """A cluster with Kaito installed, how to speak to it, and what its reader brings."""

    kubectl: Kubectl
    provisioner: str
    reader: Reader


def _tool(module: str, *arguments: str) -> None:
    """One of this repository's tools, its progress shown. Raises CommandFailed."""
    command = [sys.executable, "-m", module, *arguments]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise CommandFailed(f"python -m {' '.join([module, *arguments])} failed, see above")


def _answer(module: str, *arguments: str) -> dict[str, str]:
    """The JSON a tool prints; its progress goes to the terminal."""
    command = [sys.executable, "-m", module, *arguments, "-o", "json"]
    done = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise CommandFailed(f"python -m {' '.join([module, *arguments])} failed, see above")
    answer: dict[str, str] = json.loads(done.stdout)
    return answer


def set_stage(timeline: Timeline, provisioner: str) -> Stage:
    """The local cluster with Kaito on it, from nothing or from whatever is there."""
    paths = Paths.from_env(os.environ)
    with timeline.phase("build the cluster's programs"):
        _tool("tools.local_cluster", "build")
    with timeline.phase("start the cluster"):
        _tool("tools.local_cluster", "up")
    with timeline.phase("train the presets' small model, build the images, push both"):
        images = _model_and_images()
    with timeline.phase("start the AKS emulator"):
        _tool("tools.aks_emulator", "up")
    kubectl = Kubectl(str(paths.bin / "kubectl"), ("--kubeconfig", str(paths.kubeconfig)))
    with timeline.phase(f"helm install kaito charts/kaito (nodes as {provisioner})"):
        install(kubectl, paths, images, provisioner)
    return Stage(kubectl, provisioner, local_reader(images["curl"]))


def _model_and_images() -> dict[str, str]:
    """Side by side: the training keeps one core busy, and most of a build keeps another."""
    with ThreadPoolExecutor(max_workers=1) as beside:
        training = beside.submit(_tool, "tools.preset_models")
        images = _answer("tools.images", "push")
        training.result()
    return images


def local_reader(curl_image: str) -> Reader:
    """The local cluster's registry behind a login, and the data set that it serves itself."""
    return Reader(
        image=f"{PUSH_REGISTRY}/adapters/phi-3-dolly:0.0.1",
        secret=manifests.SECRET,
        data_url=f"http://data-server.default.svc{manifests.DATA_PATH}",
        curl_image=curl_image,
        pools=cloud.pool_names,
        login=PUSH_LOGIN,
        plain_http=True,
    )


def install(kubectl: Kubectl, paths: Paths, images: dict[str, str], provisioner: str) -> None:
    """Installs or upgrades the release and waits for its pods; serves the data sets."""
    authority = (paths.home / "aks" / "ca.pem").read_text()
    kubectl.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "arm-ca", "namespace": NAMESPACE},
            "data": {"ca.crt": authority},
        },
    )
    values = release.values(images, [REGISTRY, PUSH_REGISTRY], provisioner, _cpu_env(os.environ))
    run(
        *(paths.bin / "helm", "upgrade", "--install", "kaito", CHART, "--namespace", NAMESPACE),
        *("--kubeconfig", paths.kubeconfig, "--values", "-", "--take-ownership"),
        *("--wait", "--timeout", "3m"),
        stdin=json.dumps(values),
    )
    kubectl.apply(
        *manifests.data_server("data-server", images["data-server"]),
        *bad_data.server(images["data-server"]),
        manifests.push_secret(manifests.SECRET, PUSH_REGISTRY, *PUSH_LOGIN),
    )
    wait_for("the data server", lambda: _unavailable(kubectl, "data-server"), 60)


def _cpu_env(environ: Mapping[str, str]) -> dict[str, str]:
    """What `make CPU=avx2` sets, for the pods too."""
    names = ("KAITO_CPU_BFLOAT16", "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA")
    return {name: environ[name] for name in names if name in environ}


def _unavailable(kubectl: Kubectl, deployment: str) -> str | None:
    found = kubectl.get("deployment", deployment)
    ready = ((found or {}).get("status") or {}).get("availableReplicas", 0)
    return None if ready else f"deployment {deployment} has no available replica"


def clear(kubectl: Kubectl) -> None:
    """Takes away the Workspaces of an earlier run, and waits until nothing is paid for any more."""
    kubectl.delete("workspace", *manifests.WORKSPACES, timeout=180)
    wait_for("earlier nodes to go", lambda: _left(kubectl), 120)


def _left(kubectl: Kubectl) -> str | None:
    owners = f"kaito.sh/workspace in ({','.join(manifests.WORKSPACES)})"
    claims = kubectl.items("machines.karpenter.sh,nodeclaims.karpenter.sh", "-l", owners)
    left = [f"{claim['kind']} {claim['metadata']['name']}" for claim in claims]
    left += [f"agent pool {name}" for name in cloud.pool_names()]
    return ", ".join(left) or None


if __name__ == "__main__":
    set_stage(Timeline(), "machine")
