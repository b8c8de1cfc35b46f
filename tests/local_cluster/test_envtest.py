"""The standalone API server, and that nothing of it is left behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.local_cluster import envtest
from tools.local_cluster.control_plane.kube_api import ApiError
from tools.local_cluster.paths import Paths
from tools.local_cluster.processes import waiting

pytestmark = pytest.mark.cluster

PATHS = Paths.from_env(os.environ)
CRD = Path("charts/kaito/charts/gpu-provisioner/files/crds/karpenter.sh_machines.yaml")
MACHINES = "/apis/karpenter.sh/v1alpha5/machines"
_HOLD = """
import os, pathlib, sys, time
from tools.local_cluster import envtest
from tools.local_cluster.paths import Paths
with envtest.running(Paths.from_env(os.environ), pathlib.Path(sys.argv[1])) as api:
    print(*api.pids.values(), flush=True)
    time.sleep(60)
"""


def is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_crds_are_installed_and_removed_and_processes_end_with_the_context(tmp_path: Path) -> None:
    with envtest.running(PATHS, tmp_path / "alone") as api:
        api.create_namespace("team")
        with pytest.raises(ApiError):
            api.admin.get(MACHINES)
        api.install_crd(CRD)
        assert api.admin.get(MACHINES)["items"] == []
        api.remove_crd("machines.karpenter.sh")
        with pytest.raises(ApiError):
            api.admin.get(MACHINES)
        pids = list(api.pids.values())
    assert not any(is_running(pid) for pid in pids)


def test_killed_run_leaves_no_process(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", _HOLD, str(tmp_path / "alone")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        pids = [int(word) for word in holder.stdout.readline().split()]
        assert len(pids) == 2 and all(is_running(pid) for pid in pids)
        holder.kill()
    assert waiting.until(lambda: not any(is_running(pid) for pid in pids), 10)
