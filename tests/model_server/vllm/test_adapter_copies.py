"""vLLM reads a copy of each adapter, scaled by its strength."""

import json
from pathlib import Path

import pytest

from model_server.adapters.adapter_files import digest
from model_server.engine import AdapterSource
from model_server.errors import AdapterInvalid
from model_server.vllm.adapter_copies import AdapterCopies, scale, spell
from tests.model_server.tiny_model import make_adapter


def test_the_strength_is_in_every_alpha() -> None:
    config = {"r": 4, "lora_alpha": 8, "alpha_pattern": {"o_proj": 2}, "target_modules": ["o_proj"]}
    scaled = scale(config, 0.5)
    assert scaled == config | {"lora_alpha": 4, "alpha_pattern": {"o_proj": 1}}
    # PEFT's default of alpha is the rank.
    assert scale({"r": 4}, 0.25)["lora_alpha"] == 1


def test_each_load_has_a_copy_of_its_own(tmp_path: Path) -> None:
    source = AdapterSource(name="style", path=make_adapter(tmp_path / "style"), strength=0.5)
    copies = AdapterCopies(tmp_path / "copies")
    first = copies.place(source)
    assert first.path.parent == tmp_path / "copies"
    assert json.loads((first.path / "adapter_config.json").read_text())["lora_alpha"] == 4
    weights = (source.path / "adapter_model.safetensors").read_bytes()
    assert (first.path / "adapter_model.safetensors").read_bytes() == weights
    copies.remove("style")
    assert not first.path.exists()
    # A path that vLLM knew must not come back: it may still share prefixes computed with it.
    assert copies.place(source).path != first.path
    copies.remove("nobody")


def test_the_longest_name_of_an_adapter_has_a_copy(tmp_path: Path) -> None:
    source = AdapterSource(name="a" * 253, path=make_adapter(tmp_path / "style"))
    assert AdapterCopies(tmp_path / "copies").place(source).path.is_dir()


def test_copies_of_an_earlier_process_are_removed(tmp_path: Path) -> None:
    source = AdapterSource(name="style", path=make_adapter(tmp_path / "style"))
    left = AdapterCopies(tmp_path).place(source)
    AdapterCopies(tmp_path).clear()
    assert not left.path.exists()
    assert source.path.exists()


def test_without_a_folder_only_whole_adapters_are_taken(tmp_path: Path) -> None:
    copies = AdapterCopies(None)
    source = AdapterSource(name="style", path=tmp_path)
    assert copies.place(source) is source
    half = AdapterSource(name="style", path=tmp_path, strength=0.5)
    with pytest.raises(AdapterInvalid, match=r"adapter 'style': .* KAITO_ENGINE_ADAPTERS_DIR"):
        copies.place(half)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    source = AdapterSource(name="style", path=make_adapter(tmp_path / "style"))
    with pytest.raises(AdapterInvalid, match="adapter 'style': its files cannot be copied to"):
        AdapterCopies(tmp_path / "file").place(source)


def test_other_content_has_another_spelling_of_the_same_path(tmp_path: Path) -> None:
    folder = make_adapter(tmp_path / "style")
    one = spell(folder, digest(folder))
    (folder / "adapter_model.safetensors").write_bytes(b"new")
    other = spell(folder, digest(folder))
    assert one != other
    assert Path(one).resolve() == Path(other).resolve() == folder
