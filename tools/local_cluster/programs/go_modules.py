"""The programs that are built from Go modules: which, from where, with which flags.

Two modules of ours pin everything by go.mod and go.sum: `cluster` (Kubernetes, etcd, CoreDNS,
Helm: they share most of their packages, so that together they build in half the time) and
`node` (containerd and the network plugins, which need a newer container runtime API).
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent / "go"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoModule:
    """One of our modules: `tool` lines of its go.mod and main packages of its own."""

    name: str
    programs: tuple[str, ...]
    packages: tuple[str, ...]
    versions: Mapping[str, str]

    @property
    def folder(self) -> Path:
        return ROOT / self.name


def required(go_mod: str, module: str) -> str:
    """The version of a module that a go.mod asks for."""
    found = re.search(rf"^\s*{re.escape(module)} (v\S+)", go_mod, re.MULTILINE)
    if found is None:
        raise ValueError(f"go.mod does not require {module}")
    return found[1]


def _kubernetes(go_mod: str) -> dict[str, str]:
    """The variables that Kubernetes' own build sets; without them it says v0.0.0."""
    version = required(go_mod, "k8s.io/kubernetes")
    major, minor, _ = version.removeprefix("v").split(".")
    told = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    homes = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return {f"{home}.{name}": value for home in homes for name, value in told.items()}


def _helm(go_mod: str) -> dict[str, str]:
    return {"helm.sh/helm/v4/internal/version.version": required(go_mod, "helm.sh/helm/v4")}


def _containerd(go_mod: str) -> dict[str, str]:
    module = "github.com/containerd/containerd/v2"
    return {f"{module}/version.Version": required(go_mod, module)}


def modules() -> tuple[GoModule, GoModule]:
    cluster, node = ((ROOT / name / "go.mod").read_text() for name in ("cluster", "node"))
    return (
        GoModule(
            name="cluster",
            programs=(
                "kube-apiserver",
                "kube-controller-manager",
                "kube-scheduler",
                "kube-proxy",
                "kubelet",
                "kubectl",
                "etcd",
                "coredns",
                "helm",
            ),
            packages=("tool", "./coredns", "./etcd"),
            versions={**_kubernetes(cluster), **_helm(cluster)},
        ),
        GoModule(
            name="node",
            programs=(
                "containerd",
                "containerd-shim-runc-v2",
                "ctr",
                "bridge",
                "host-local",
                "portmap",
            ),
            packages=("tool",),
            versions=_containerd(node),
        ),
    )


def flags(module: GoModule) -> list[str]:
    """Of `go build` and `go list`. Debug information is what costs most and serves nobody here;
    profiles would have packages compiled once more for each program that has one."""
    variables = " ".join(f"-X {name}={value}" for name, value in module.versions.items())
    return [
        "-trimpath",
        "-buildvcs=false",
        "-pgo=off",
        "-gcflags=all=-dwarf=false",
        f"-ldflags=-s -w {variables}",
    ]


def digest(module: GoModule, compiler: str) -> str:
    """Names the build's result: the sources of ours, the flags and the compiler make it."""
    state = hashlib.sha256("\n".join([compiler, *flags(module), *module.packages]).encode())
    for file in sorted(p for p in module.folder.rglob("*") if p.is_file()):
        state.update(str(file.relative_to(module.folder)).encode())
        state.update(file.read_bytes())
    return state.hexdigest()[:12]
