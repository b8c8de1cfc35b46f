"""Which programs are built from which Go modules, and with which flags.

Two modules pin everything in go.mod and go.sum: `cluster` (Kubernetes, etcd, CoreDNS and Helm share
most of their packages and build in half the time together) and `node` (containerd and the network
plugins, which need a newer container runtime API).
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
    """One module; `packages` are the `tool` lines of its go.mod and its own main packages."""

    name: str
    programs: tuple[str, ...]
    packages: tuple[str, ...]
    versions: Mapping[str, str]

    @property
    def folder(self) -> Path:
        return ROOT / self.name


def required(go_mod: str, module: str) -> str:
    """The version of a module that a go.mod requires.

    Raises:
        ValueError: go.mod does not require the module.
    """
    found = re.search(rf"^\s*{re.escape(module)} (v\S+)", go_mod, re.MULTILINE)
    if found is None:
        raise ValueError(f"go.mod does not require {module}")
    return found[1]


def _kubernetes(go_mod: str) -> dict[str, str]:
    """The variables that Kubernetes' own build sets; without them it reports v0.0.0."""
    version = required(go_mod, "k8s.io/kubernetes")
    major, minor, _ = version.removeprefix("v").split(".")
    values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return {f"{package}.{name}": value for package in packages for name, value in values.items()}


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
    """The flags of `go build` and `go list`."""
    variables = " ".join(f"-X {name}={value}" for name, value in module.versions.items())
    return [
        "-trimpath",
        "-buildvcs=false",
        # A program with a profile would have its packages compiled a second time.
        "-pgo=off",
        # Debug information is the largest part of the build time, and nobody debugs these.
        "-gcflags=all=-dwarf=false",
        f"-ldflags=-s -w {variables}",
    ]


def digest(module: GoModule, compiler: str) -> str:
    """The cache key of a build: it covers our sources, the flags and the compiler."""
    state = hashlib.sha256("\n".join([compiler, *flags(module), *module.packages]).encode())
    for file in sorted(p for p in module.folder.rglob("*") if p.is_file()):
        state.update(str(file.relative_to(module.folder)).encode())
        state.update(file.read_bytes())
    return state.hexdigest()[:12]
