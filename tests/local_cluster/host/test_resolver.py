"""The name servers for names outside the cluster."""

from pathlib import Path

from tools.local_cluster.host import resolver


def test_first_file_with_a_server_is_used(tmp_path: Path) -> None:
    empty, usable = tmp_path / "empty", tmp_path / "usable"
    empty.write_text("search example\n# nameserver 1.1.1.1\n")
    usable.write_text("search example\nnameserver 192.0.2.53\n")
    assert resolver.find((tmp_path / "none", empty, usable)) == usable
    assert resolver.find((tmp_path / "none", empty)) is None
