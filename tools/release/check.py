"""python -m tools.release.check: a cluster runs from exactly the files of a release.

Compares the files with SHA256SUMS, pushes the archives to a registry, installs the packaged chart
with the images pinned by digest, and waits until every pod is ready and runs one of these images.
Without options it uses the local cluster and its registry (`make up` brings them up).
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tools.demo import release as local_values
from tools.local_cluster import topology
from tools.local_cluster.paths import Paths
from tools.release import checksums, manifest
from tools.release.errors import ReleaseError
from tools.release.programs import require, run
from tools.venvs import ROOT

_REGISTRY = f"{topology.HOST}:{topology.REGISTRY_PORT}"
_LOGIN_REGISTRY = f"{topology.HOST}:{topology.LOGIN_REGISTRY_PORT}"
# Helm has waited for the Deployments; a pod of an old ReplicaSet may still be there.
_SETTLE_SECONDS = 120
Values = dict[str, Any]


def local_cluster_values(images: Iterable[str]) -> Values:
    """The demo's values for the local cluster, without its images."""
    named = {name: f"{_REGISTRY}/{name}:none" for name in images}
    values = local_values.values(named, [_REGISTRY, _LOGIN_REGISTRY], "machine", {})
    for service in values.values():
        service.pop("image", None)
        service.pop("workloads", None)
    return values


def foreign_pods(pods: Iterable[Mapping[str, Any]], digests: Iterable[str]) -> list[str]:
    """The containers that are not ready or whose image is not one of the release, by digest.

    The digest is that of the pod's spec, which is what the kubelet pulls. The `imageID` of the
    status can name another manifest of the same image that the node has pulled before.
    """
    known = tuple(digests)
    return [
        f"{pod['metadata']['name']}: {container['image']} ({'ready' if ready else 'not ready'})"
        for pod in pods
        for container, ready in _containers(pod)
        if not ready or not container["image"].endswith(known)
    ]


def _containers(pod: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], bool]]:
    statuses = pod.get("status", {}).get("containerStatuses", ())
    ready = {status["name"] for status in statuses if status["ready"]}
    for container in pod["spec"]["containers"]:
        yield container, container["name"] in ready


def _push(dist: Path, release: Mapping[str, Any], registry: str, *, tls: bool) -> None:
    for name, image in release["images"].items():
        target = f"docker://{registry}/{name}:{release['version']}"
        verify = f"--dest-tls-verify={str(tls).lower()}"
        print(f"==> {image['archive']} to {registry}/{name}", flush=True)
        source = f"oci-archive:{dist / image['archive']}"
        run(["skopeo", "copy", "--quiet", "--preserve-digests", verify, source, target])
        inspect = ["skopeo", "inspect", f"--tls-verify={str(tls).lower()}", "--format={{.Digest}}"]
        found = run([*inspect, target]).strip()
        if found != image["digest"]:
            raise ReleaseError(
                f"{registry}/{name} has {found}, but {manifest.FILE} has {image['digest']}: "
                "the registry rewrote the image; use one that keeps OCI manifests"
            )


def _install(arguments: argparse.Namespace, helm: str, values: Values, chart: Path) -> None:
    print(f"==> helm upgrade --install kaito {chart.name}", flush=True)
    run(
        [
            *(helm, "upgrade", "--install", "kaito", chart, "--namespace", arguments.namespace),
            *("--create-namespace", "--kubeconfig", arguments.kubeconfig, "--take-ownership"),
            *("--values", chart.parent / manifest.VALUES_FILE, "--values", "-"),
            *("--wait", "--timeout", "5m"),
        ],
        stdin=json.dumps(values),
    )


def _await_pods(arguments: argparse.Namespace, kubectl: str, digests: list[str]) -> int:
    """Returns the number of pods once all of them run the release.

    Raises:
        ReleaseError: some still do not.
    """
    command = [kubectl, "--kubeconfig", arguments.kubeconfig, "get", "pods", "-o", "json"]
    selector = "app.kubernetes.io/part-of=kaito,app.kubernetes.io/managed-by=Helm"
    command += ["--namespace", arguments.namespace, "--selector", selector]
    deadline = time.monotonic() + _SETTLE_SECONDS
    while True:
        items = json.loads(run(command))["items"]
        pods = [pod for pod in items if "deletionTimestamp" not in pod["metadata"]]
        foreign = foreign_pods(pods, digests)
        if pods and not foreign:
            return len(pods)
        if time.monotonic() > deadline:
            raise ReleaseError(
                "pods do not run this release: " + ("; ".join(foreign) or "there are none")
            )
        time.sleep(1)


def check(arguments: argparse.Namespace) -> None:
    """Runs the check.

    Raises:
        ReleaseError: a file, the registry or the cluster differs from the release.
    """
    dist: Path = arguments.dist.resolve()
    programs = require("skopeo", "helm", "kubectl")
    if not (dist / checksums.FILE).exists():
        raise ReleaseError(f"{dist} holds no release: run `make release`")
    if changed := checksums.mismatches(dist):
        raise ReleaseError(f"these files differ from SHA256SUMS: {', '.join(changed)}")
    release = json.loads((dist / manifest.FILE).read_text())
    print(f"==> SHA256SUMS holds: version {release['version']}, torch {release['torch']}")
    _push(dist, release, arguments.registry, tls=arguments.tls)
    values: Values = (
        yaml.safe_load(arguments.values.read_text())
        if arguments.values
        else local_cluster_values(release["images"])
    )
    values.setdefault("global", {}).setdefault("image", {})["registry"] = arguments.registry
    _install(arguments, programs["helm"], values, dist / release["chart"])
    digests = [image["digest"] for image in release["images"].values()]
    count = _await_pods(arguments, programs["kubectl"], digests)
    print(f"{count} pods are ready, and all of them run images of this release")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.release.check",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--dist", type=Path, default=ROOT / "dist", help="default: dist")
    parser.add_argument("--registry", default=f"{_REGISTRY}/kaito", help="default: %(default)s")
    parser.add_argument("--tls", action="store_true", help="the registry speaks HTTPS")
    parser.add_argument("--namespace", default="kaito-system", help="default: %(default)s")
    parser.add_argument(
        "--kubeconfig",
        type=Path,
        default=Paths.from_env(os.environ).kubeconfig,
        help="default: the local cluster's",
    )
    parser.add_argument("--values", type=Path, help="the chart's values for another cluster")
    return parser


def main() -> int:
    try:
        check(_parser().parse_args())
    except ReleaseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
