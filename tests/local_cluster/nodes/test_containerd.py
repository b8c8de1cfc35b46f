"""containerd's configuration keeps all of a node's files in its own folders."""

import json
import tomllib
from pathlib import Path

from tools.local_cluster.nodes import containerd

FOLDERS = containerd.Folders(
    root=Path("/home/nodes/a/containerd"),
    state=Path("/run/kaito-local/n3"),
    config=Path("/home/nodes/a/config"),
    binaries=Path("/cache/bin"),
    runc="/usr/sbin/runc",
)
CONFIG = tomllib.loads(containerd.render(FOLDERS))
RUNTIME = CONFIG["plugins"]["io.containerd.cri.v1.runtime"]


def test_all_paths_are_in_the_nodes_folders() -> None:
    options = RUNTIME["containerd"]["runtimes"]["runc"]["options"]
    assert CONFIG["root"] == "/home/nodes/a/containerd"
    assert options["Root"].startswith("/run/kaito-local/n3/")
    assert RUNTIME["netns_mounts_under_state_dir"] is True
    assert CONFIG["grpc"]["address"] == str(FOLDERS.socket)


def test_shim_socket_paths_fit_the_limit() -> None:
    folder = CONFIG["plugins"]["io.containerd.shim.v1.manager"]["socket_dir"]
    assert len(folder) <= 42


def test_sandboxes_start_without_cap_sys_resource() -> None:
    assert RUNTIME["restrict_oom_score_adj"] is True


def test_sandbox_image_comes_from_the_local_registry() -> None:
    pinned = CONFIG["plugins"]["io.containerd.cri.v1.images"]["pinned_images"]
    assert pinned["sandbox"].startswith("172.30.0.1:5000/")


def test_registry_is_used_over_plain_http() -> None:
    hosts = tomllib.loads(containerd.hosts("http://172.30.0.1:5000"))
    assert hosts["server"] == "http://172.30.0.1:5000"
    assert hosts["host"]["http://172.30.0.1:5000"]["capabilities"] == ["pull", "resolve"]


def test_pods_get_addresses_from_their_nodes_range() -> None:
    network = json.loads(containerd.network(3, Path("/state")))
    ipam = network["plugins"][0]["ipam"]
    assert ipam["ranges"] == [[{"subnet": "10.244.3.0/24"}]]
    assert ipam["dataDir"] == "/state"
