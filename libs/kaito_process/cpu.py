"""Whether the CPU computes in bfloat16. Emulating it costs 7 to 10 times float32's time."""

from collections.abc import Mapping
from pathlib import Path

from kaito_process.environment import Environment

_CPUINFO = Path("/proc/cpuinfo")
# AMD Zen 4 and Intel Cooper Lake, Sapphire Rapids, Arrow Lake; the last is Arm's.
_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16"})


def has_bfloat16(environ: Mapping[str, str], cpuinfo: Path = _CPUINFO) -> bool:
    """What KAITO_CPU_BFLOAT16 says; when it is unset or "auto", what the CPU's flags say.

    Raises:
        SettingError: the variable is not auto, true or false.
    """
    setting = Environment(environ).choice("KAITO_CPU_BFLOAT16", ("auto", "true", "false"), "auto")
    if setting != "auto":
        return setting == "true"
    text = cpuinfo.read_text(errors="replace") if cpuinfo.exists() else ""
    return not _FLAGS.isdisjoint(text.split())
