"""Mounts below a folder, and removal that never descends into one."""

from pathlib import Path

from tools.local_cluster.host import mounts

TABLE = """\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 21 0:30 / /var/lib/kaito-local/nodes/a/shm rw - tmpfs tmpfs rw
31 21 0:31 / /var/lib/kaito-local/nodes/a/shm/deep\\040er rw - tmpfs tmpfs rw
32 21 0:32 / /var/lib/kaito-local-other rw - tmpfs tmpfs rw
"""


def test_mounts_are_listed_deepest_first_and_only_below_the_folder() -> None:
    assert mounts.below(Path("/var/lib/kaito-local"), TABLE) == [
        Path("/var/lib/kaito-local/nodes/a/shm/deep er"),
        Path("/var/lib/kaito-local/nodes/a/shm"),
    ]


def test_folder_without_mounts_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "node"
    (folder / "deep").mkdir(parents=True)
    mounts.remove_tree(folder)
    mounts.remove_tree(folder)
    assert not folder.exists()
