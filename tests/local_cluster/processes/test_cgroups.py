"""Control groups, in a folder that mimics the kernel's."""

from pathlib import Path

from tools.local_cluster.processes import cgroups


def v1(root: Path) -> Path:
    for controller in ("memory", "pids"):
        (root / controller).mkdir()
        (root / controller / "cgroup.procs").touch()
    (root / "cpu,cpuacct").mkdir()
    (root / "cpu,cpuacct" / "cgroup.procs").touch()
    (root / "cpu").symlink_to("cpu,cpuacct")
    return root


def v2(root: Path) -> Path:
    (root / "cgroup.controllers").write_text("cpu memory\n")
    (root / "cgroup.subtree_control").touch()
    return root


def test_v1_has_one_hierarchy_per_controller(tmp_path: Path) -> None:
    names = [folder.name for folder in cgroups.hierarchies(v1(tmp_path))]
    assert names == ["cpu,cpuacct", "memory", "pids"]


def test_v2_has_one_hierarchy(tmp_path: Path) -> None:
    assert cgroups.hierarchies(v2(tmp_path)) == [tmp_path]


def test_group_is_created_in_every_hierarchy(tmp_path: Path) -> None:
    cgroups.create("ours/node", v1(tmp_path))
    assert (tmp_path / "memory/ours/node").is_dir()
    assert tmp_path / "pids/ours/node/cgroup.procs" in cgroups.procs_files("ours/node", tmp_path)


def test_v2_delegates_controllers(tmp_path: Path) -> None:
    cgroups.create("ours/node", v2(tmp_path))
    assert (tmp_path / "cgroup.subtree_control").read_text() in ("+cpu", "+memory")


def test_processes_of_child_groups_are_included(tmp_path: Path) -> None:
    root = v1(tmp_path)
    cgroups.create("ours/node", root)
    (root / "memory/ours/cgroup.procs").write_text("10\n")
    (root / "pids/ours/node/cgroup.procs").write_text("11\n12\n")
    (root / "pids/cgroup.procs").write_text("99\n")
    assert cgroups.processes("ours", root) == {10, 11, 12}


def test_children_are_listed_before_parents(tmp_path: Path) -> None:
    root = v1(tmp_path)
    cgroups.create("ours/node", root)
    listed = [
        f.relative_to(root / "pids") for f in cgroups.folders("ours", root) if "pids" in str(f)
    ]
    assert listed == [Path("ours/node"), Path("ours")]
