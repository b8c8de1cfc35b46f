"""Where everything of the local cluster lies on disk. Knows no process and makes no folder."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """Three roots: `cache` outlives clusters, `home` lives as long as one, `run` until reboot."""

    cache: Path
    home: Path
    # Fixed and short: Unix socket paths end at 107 characters, containerd's shims' at less.
    run: Path = Path("/run/kaito-local")

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Paths":
        cache = environ.get("KAITO_CACHE") or os.path.expanduser("~/.cache/kaito")
        return cls(Path(cache), Path(environ.get("KAITO_HOME") or "/var/lib/kaito-local"))

    @property
    def bin(self) -> Path:
        """Binaries of the pinned versions; also what a user adds to PATH."""
        return self.cache / "bin"

    @property
    def registry(self) -> Path:
        """The registry's blobs: kept by `down`, removed by `down --purge`."""
        return self.cache / "registry"

    @property
    def build_logs(self) -> Path:
        return self.cache / "log"

    @property
    def kubeconfig(self) -> Path:
        return self.home / "kubeconfig"

    @property
    def pki(self) -> Path:
        return self.home / "pki"

    @property
    def config(self) -> Path:
        return self.home / "config"

    @property
    def etcd(self) -> Path:
        return self.home / "etcd"

    @property
    def log(self) -> Path:
        return self.home / "log"

    @property
    def volume_plugins(self) -> Path:
        return self.home / "volume-plugins"

    @property
    def nodes(self) -> Path:
        return self.home / "nodes"

    @property
    def of_cluster(self) -> tuple[Path, ...]:
        """The folders of `home`: removed one by one, since a user may have named any `home`."""
        return (self.pki, self.config, self.etcd, self.log, self.nodes, self.volume_plugins)

    @property
    def pids(self) -> Path:
        return self.run / "pids"

    def node(self, name: str) -> Path:
        return self.nodes / name

    def node_run(self, index: int) -> Path:
        """Sockets and container runtime state of the node with that index."""
        return self.run / f"n{index}"
