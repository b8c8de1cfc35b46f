"""Detects bfloat16 instructions. Without them, bfloat16 takes 7 to 10 times as long as float32."""

from collections.abc import Mapping
from pathlib import Path

from kaito_process.environment import Environment

_CPUINFO = Path("/proc/cpuinfo")
# AMD Zen 4 and Intel Cooper Lake; Intel Sapphire Rapids; Intel Arrow Lake; Arm.
_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16"})


def has_bfloat16(environ: Mapping[str, str], cpuinfo: Path = _CPUINFO) -> bool:
    """Follows KAITO_CPU_BFLOAT16; if it is unset or "auto", the CPU's flags.

    Raises:
        SettingError: the variable is not auto, true or false.
    """
    setting = Environment(environ).choice("KAITO_CPU_BFLOAT16", ("auto", "true", "false"), "auto")
    if setting != "auto":
        return setting == "true"
    text = cpuinfo.read_text(errors="replace") if cpuinfo.exists() else ""
    return not _FLAGS.isdisjoint(text.split())
