"""Where the local cluster keeps its files. Creates nothing."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """Three roots: `cache` outlives clusters, `home` belongs to one cluster, `run` to one boot."""

    cache: Path
    home: Path
    # Fixed and short: Linux limits Unix socket paths to 107 characters, containerd's shims to less.
    run: Path = Path("/run/kaito-local")

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Paths":
        cache = environ.get("KAITO_CACHE") or os.path.expanduser("~/.cache/kaito")
        return cls(Path(cache), Path(environ.get("KAITO_HOME") or "/var/lib/kaito-local"))

    @property
    def bin(self) -> Path:
        """The pinned binaries; users can add this folder to PATH."""
        return self.cache / "bin"

    @property
    def registry(self) -> Path:
        """The registry's blobs; `down` keeps them, `down --purge` removes them."""
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
    def cluster_folders(self) -> tuple[Path, ...]:
        """The folders below `home`. They are removed one by one: `home` may be any user folder."""
        return (self.pki, self.config, self.etcd, self.log, self.nodes, self.volume_plugins)

    @property
    def pids(self) -> Path:
        return self.run / "pids"

    def node(self, name: str) -> Path:
        return self.nodes / name

    def node_run(self, index: int) -> Path:
        """Sockets and container runtime state of a node."""
        return self.run / f"n{index}"
