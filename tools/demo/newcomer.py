"""What a newcomer has before a page's first command: a shell, a registry and a volume."""

import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.demo import cloud, plugin
from tools.demo.cluster import PUSH_LOGIN, PUSH_REGISTRY, KaitoCluster
from tools.demo.kubectl import Manifest
from tools.local_cluster.paths import Paths

_VOLUME = "newcomer"
# Claims of kubectl kaito ask for as little.
_SIZE = "1Gi"


@contextmanager
def newcomer(cluster: KaitoCluster) -> Iterator[Mapping[str, str]]:
    """The variables of their shell. The local cluster creates no volumes: there is one."""
    paths = Paths.from_env(os.environ)
    folder = paths.home / "volumes" / _VOLUME
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # Pods run as a user of their own, and nobody sets the group of a folder of the host.
    folder.chmod(0o777)
    cluster.kubectl.delete("pv", _VOLUME)
    cluster.kubectl.apply(_volume(folder))
    try:
        with TemporaryDirectory() as programs:
            plugin.install(Path(programs))
            user, password = PUSH_LOGIN
            yield {
                "PATH": f"{programs}:{paths.bin}:{os.environ['PATH']}",
                "KUBECONFIG": str(paths.kubeconfig),
                "KAITO_RETAIL_PRICES_URL": cloud.PRICE_LIST,
                "XDG_CACHE_HOME": programs,
                "REGISTRY": PUSH_REGISTRY,
                "REGISTRY_USER": user,
                "REGISTRY_PASSWORD": password,
                # A tag that another Workspace has pushed is not overwritten.
                "ADAPTER": f"{PUSH_REGISTRY}/adapters/pirate:{uuid.uuid4().hex[:12]}",
            }
    finally:
        cluster.kubectl.delete("pv", _VOLUME, wait=False)


def _volume(folder: Path) -> Manifest:
    """All nodes of the local cluster see the files of this machine."""
    spec = {
        "capacity": {"storage": _SIZE},
        "accessModes": ["ReadWriteOnce"],
        "persistentVolumeReclaimPolicy": "Retain",
        "hostPath": {"path": str(folder)},
    }
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": _VOLUME},
        "spec": spec,
    }
