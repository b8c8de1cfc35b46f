from pathlib import Path

from kaito_process.free_memory import free_memory_bytes


def test_cgroup_limits_the_free_memory(tmp_path: Path) -> None:
    unlimited = free_memory_bytes(tmp_path)
    assert unlimited > 0
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("400000\n")
    assert free_memory_bytes(tmp_path) == 600000
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory_bytes(tmp_path) > 600000
