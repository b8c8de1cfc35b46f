"""The Pythons that the check runs: those of the environments for the device, or the user's own.

GPU_MODELS_PYTHON and GPU_VLLM_PYTHON name interpreters that have the packages already, as on a
machine without a network.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gpu.device import Device
from tools import venvs

MODELS, VLLM = "GPU_MODELS_PYTHON", "GPU_VLLM_PYTHON"


@dataclass(frozen=True, slots=True)
class Pythons:
    """`vllm` is None where vLLM is not installed."""

    models: str
    vllm: Path | None


def pythons(device: Device, environ: Mapping[str, str]) -> Pythons:
    """Installs what a GPU needs, unless the environment names it; several GB on first use."""
    if device.kind == "cpu":
        vllm = venvs.ROOT / venvs.LINKS["vllm"] / "bin" / "python"
        return Pythons(str(_python("models")), vllm if vllm.exists() else None)
    return Pythons(
        environ.get(MODELS) or str(_python("models-cuda")),
        Path(environ.get(VLLM) or _python("vllm-cuda")),
    )


def _python(resolve: str) -> Path:
    venvs.make(resolve)
    return venvs.ROOT / venvs.LINKS[resolve] / "bin" / "python"
