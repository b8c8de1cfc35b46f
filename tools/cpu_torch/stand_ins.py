"""Builds stand-ins for the CUDA libraries that `requirements.GPU_ONLY` removes.

libnocuda.so defines every missing symbol, and each missing soname becomes an empty library that
links to it. Two levels are needed because glibc accepts an unversioned symbol only from a library
other than the one that was to provide the versioned symbol. Needs gcc and binutils.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

_LIBRARIES = (
    "libtorch_cpu.so libtorch_cuda.so libtorch_python.so libtorch.so libtorch_nvshmem.so "
    "libc10_cuda.so libtorch_cuda_linalg.so libtorch_global_deps.so"
).split()
_PREFIXES = (
    "cublas|cudnn|cufft|cusparse|cusolver|curand|nccl|pnccl|nvshmem|nvrtc|cuFile|cufile|nvJitLink"
)


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _missing_symbols(libraries: list[Path]) -> list[str]:
    listing = _output("nm", "-D", "--undefined-only", "--no-demangle", *map(str, libraries))
    found = re.findall(rf"^\s+[Uw] ((?:{_PREFIXES})\w*)", listing, re.MULTILINE)
    return sorted(set(found))


def _missing_sonames(libraries: list[Path]) -> list[str]:
    listing = "".join(_output("readelf", "-d", str(library)) for library in libraries)
    needed = set(re.findall(r"NEEDED.*\[(.*)\]", listing))
    return sorted(name for name in needed if re.match(rf"lib(?:{_PREFIXES})", name))


def _compile(source: Path, soname: str, folder: Path, *extra: str) -> None:
    target = folder / soname
    subprocess.run(
        [
            "gcc",
            "-shared",
            "-fPIC",
            f"-Wl,-soname,{soname}",
            "-o",
            str(target),
            str(source),
            *extra,
        ],
        check=True,
    )


def build(site_packages: Path) -> int:
    """Write the stand-ins to torch/lib below `site_packages` and return the number of symbols.

    Raises:
        FileNotFoundError: torch is not installed there.
    """
    folder = site_packages / "torch" / "lib"
    libraries = [folder / name for name in _LIBRARIES if (folder / name).exists()]
    if not libraries:
        raise FileNotFoundError(f"no torch in {site_packages}: install the models lock first")
    symbols = _missing_symbols(libraries)
    with tempfile.TemporaryDirectory() as scratch:
        source, empty = Path(scratch) / "symbols.c", Path(scratch) / "empty.c"
        source.write_text("".join(f"char {symbol}[256];\n" for symbol in symbols))
        empty.write_text("")
        _compile(source, "libnocuda.so", folder, "-nostdlib")
        link = ("-Wl,--no-as-needed", f"-L{folder}", "-l:libnocuda.so", "-Wl,-rpath,$ORIGIN")
        for soname in _missing_sonames(libraries):
            _compile(empty, soname, folder, *link)
    return len(symbols)


if __name__ == "__main__":
    print(f"{build(Path(sys.argv[1]))} symbols")
