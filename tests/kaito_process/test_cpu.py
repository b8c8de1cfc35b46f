"""Which CPUs compute in bfloat16."""

from pathlib import Path

import pytest

from kaito_process.cpu import has_bfloat16
from kaito_process.environment import SettingError


@pytest.mark.parametrize(
    ("flags", "has"), [("fpu avx512_bf16", True), ("fpu avx512f avx2", False), ("", False)]
)
def test_cpu_flags_decide_by_default(flags: str, has: bool, tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor : 0\nflags : {flags}\n")
    assert has_bfloat16({}, cpuinfo) is has
    assert has_bfloat16({"KAITO_CPU_BFLOAT16": "auto"}, cpuinfo) is has


@pytest.mark.parametrize("setting", ["true", "false"])
def test_setting_overrides_the_flags(setting: str, tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("flags : bf16" if setting == "false" else "")
    assert has_bfloat16({"KAITO_CPU_BFLOAT16": setting}, cpuinfo) is (setting == "true")


def test_no_cpuinfo_means_no_bfloat16(tmp_path: Path) -> None:
    assert not has_bfloat16({}, tmp_path / "missing")


def test_invalid_setting_is_an_error() -> None:
    with pytest.raises(SettingError, match="KAITO_CPU_BFLOAT16 is 'maybe'"):
        has_bfloat16({"KAITO_CPU_BFLOAT16": "maybe"})
