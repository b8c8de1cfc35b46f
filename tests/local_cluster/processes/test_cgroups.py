"""Control groups, on a folder that looks like the kernel's."""

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


def test_v1_has_a_hierarchy_a_controller_each_once(tmp_path: Path) -> None:
    names = [folder.name for folder in cgroups.hierarchies(v1(tmp_path))]
    assert names == ["cpu,cpuacct", "memory", "pids"]


def test_v2_has_one(tmp_path: Path) -> None:
    assert cgroups.hierarchies(v2(tmp_path)) == [tmp_path]


def test_a_group_is_made_in_every_hierarchy(tmp_path: Path) -> None:
    cgroups.create("ours/node", v1(tmp_path))
    assert (tmp_path / "memory/ours/node").is_dir()
    assert tmp_path / "pids/ours/node/cgroup.procs" in cgroups.entrances("ours/node", tmp_path)


def test_v2_hands_controllers_down(tmp_path: Path) -> None:
    cgroups.create("ours/node", v2(tmp_path))
    assert (tmp_path / "cgroup.subtree_control").read_text() in ("+cpu", "+memory")


def test_processes_of_a_group_and_below(tmp_path: Path) -> None:
    root = v1(tmp_path)
    cgroups.create("ours/node", root)
    (root / "memory/ours/cgroup.procs").write_text("10\n")
    (root / "pids/ours/node/cgroup.procs").write_text("11\n12\n")
    (root / "pids/cgroup.procs").write_text("99\n")
    assert cgroups.processes("ours", root) == {10, 11, 12}


def test_children_come_before_parents(tmp_path: Path) -> None:
    root = v1(tmp_path)
    cgroups.create("ours/node", root)
    listed = [
        f.relative_to(root / "pids") for f in cgroups.folders("ours", root) if "pids" in str(f)
    ]
    assert listed == [Path("ours/node"), Path("ours")]
