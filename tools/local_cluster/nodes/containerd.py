"""Renders the configuration of a node's containerd. Pure."""

import json
from dataclasses import dataclass
from pathlib import Path

from tools.local_cluster import topology


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """The folders of one node's containerd."""

    root: Path
    state: Path
    config: Path
    binaries: Path
    runc: str

    @property
    def socket(self) -> Path:
        return self.state / "containerd.sock"


def render(folders: Folders) -> str:
    """The configuration, in containerd's TOML."""
    return _daemon(folders) + _images(folders) + _runtime(folders)


def _daemon(folders: Folders) -> str:
    """Anything not set here would default to a path outside the node's own folders."""
    return f"""\
version = 3
root = "{folders.root}"
state = "{folders.state}"
imports = []
disabled_plugins = [
  "io.containerd.snapshotter.v1.blockfile",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.erofs",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.nri.v1.nri",
  "io.containerd.tracing.processor.v1.otlp",
]

[grpc]
  address = "{folders.socket}"

[ttrpc]
  address = "{folders.socket}.ttrpc"

[plugins."io.containerd.internal.v1.opt"]
  path = "{folders.root}/opt"

[plugins."io.containerd.shim.v1.manager"]
  socket_dir = "{folders.state}/s"
"""


def _images(folders: Folders) -> str:
    return f"""
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  max_concurrent_downloads = 4
  discard_unpacked_layers = true

  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "{topology.PAUSE_IMAGE}"

  [plugins."io.containerd.cri.v1.images".registry]
    config_path = "{folders.config}/registries"
"""


def _runtime(folders: Folders) -> str:
    """Without `restrict_oom_score_adj`, no pod starts where CAP_SYS_RESOURCE is missing."""
    return f"""
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true

  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["{folders.binaries}"]
    conf_dir = "{folders.config}/cni"
    use_internal_loopback = true

  [plugins."io.containerd.cri.v1.runtime".containerd]
    default_runtime_name = "runc"

    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
        BinaryName = "{folders.runc}"
        Root = "{folders.state}/runc"
        SystemdCgroup = false
"""


def hosts(url: str) -> str:
    """A registry's `hosts.toml`: where its images are pulled from."""
    return f'server = "{url}"\n\n[host."{url}"]\n  capabilities = ["pull", "resolve"]\n'


def network(index: int, state: Path) -> str:
    """The node's pod network: a bridge with addresses from the node's own range."""
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "hairpinMode": True,
        "ipMasq": False,
        "ipam": {
            "type": "host-local",
            "dataDir": str(state),
            "ranges": [[{"subnet": topology.pod_range(index)}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}, "backend": "nftables"}
    return json.dumps(
        {"cniVersion": "1.0.0", "name": topology.CLUSTER_NAME, "plugins": [bridge, ports]}, indent=1
    )
