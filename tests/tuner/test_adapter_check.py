"""Which adapters are worth keeping."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tuner import adapter_check

A, B = "base_model.model.q.lora_A.weight", "base_model.model.q.lora_B.weight"


def _write(path: Path, a: torch.Tensor, b: torch.Tensor) -> Path:
    save_file({A: a, B: b}, path, metadata={"format": "pt"})
    return path


DTYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_trained_adapter_has_no_fault(dtype: torch.dtype, tmp_path: Path) -> None:
    b = torch.zeros(6, 2, dtype=dtype)
    b[5, 1] = -1e-6
    path = _write(tmp_path / "w", torch.randn(2, 6).to(dtype), b)
    assert adapter_check.find_adapter_fault(path) is None


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_value_that_is_not_finite_is_found(
    value: float, dtype: torch.dtype, tmp_path: Path
) -> None:
    a = torch.ones(2, 6, dtype=dtype)
    a[1, 5] = value
    path = _write(tmp_path / "w", a, torch.ones(6, 2, dtype=dtype))
    fault = adapter_check.find_adapter_fault(path)
    assert fault == f"has values that are not finite (in {A})"


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_zero_in_every_b_is_found(dtype: torch.dtype, tmp_path: Path) -> None:
    path = _write(tmp_path / "w", torch.ones(2, 6, dtype=dtype), -torch.zeros(6, 2, dtype=dtype))
    assert adapter_check.find_adapter_fault(path) == "changes nothing: every matrix B is zero"


def test_fault_after_the_first_chunk_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter_check, "CHUNK_BYTES", 16)
    a = torch.ones(2, 6)
    a[1, 5] = float("nan")
    path = _write(tmp_path / "w", a, torch.ones(6, 2))
    assert "not finite" in (adapter_check.find_adapter_fault(path) or "")


@pytest.mark.parametrize("damage", ["missing", "empty", "text", "truncated", "integers"])
def test_unreadable_file_is_a_fault(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "w"
    if damage == "integers":
        save_file({B: torch.ones(2, 2, dtype=torch.int32)}, path)
    elif damage != "missing":
        _write(path, torch.ones(2, 6), torch.ones(6, 2))
        whole = path.read_bytes()
        path.write_bytes({"empty": b"", "text": b"weights" * 100, "truncated": whole[:-8]}[damage])
    fault = adapter_check.find_adapter_fault(path)
    assert fault is not None
    assert fault.startswith("cannot be read as safetensors")
