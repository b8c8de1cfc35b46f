"""Files that Kubernetes' programs leave at fixed paths outside the cluster's own folders."""

import contextlib
from pathlib import Path
from typing import Final

from tools.local_cluster import topology
from tools.local_cluster.processes import sockets

_DEVICE_PLUGINS: Final = Path("/var/lib/kubelet/device-plugins/kubelet.sock")
_POD_RESULTS: Final = Path("/var/lib/cni/results")
_LOG_LINKS: Final = Path("/var/log/containers")
_FOLDERS: Final = (
    _DEVICE_PLUGINS.parent,
    _DEVICE_PLUGINS.parent.parent,
    _POD_RESULTS,
    _POD_RESULTS.parent,
    _LOG_LINKS,
)


def log_links(folder: Path, links: Path = _LOG_LINKS) -> list[Path]:
    """The links that kubelets create to container logs below the folder."""
    found = [link for link in links.glob("*.log") if link.is_symlink()]
    return [link for link in found if link.readlink().is_relative_to(folder)]


def remove() -> None:
    """Remove what certainly belongs to the cluster, then the folders that are empty."""
    for file in _POD_RESULTS.glob(f"{topology.CLUSTER_NAME}-*"):
        file.unlink(missing_ok=True)
    # Another kubelet on this machine would be listening here.
    if not sockets.answers(_DEVICE_PLUGINS):
        _DEVICE_PLUGINS.unlink(missing_ok=True)
    for folder in _FOLDERS:
        with contextlib.suppress(OSError):
            folder.rmdir()
