"""A packed batch is its examples: same loss, same gradients, none sees another."""

from typing import Any

import pytest
import torch
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    set_seed,
)
from trl.trainer.utils import add_fused_lm_head

from tuner.training.packed_rows import PackedRows, count_tokens

DIMENSIONS: dict[str, Any] = {
    "vocab_size": 97,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 128,
    "pad_token_id": 0,
}
ARCHITECTURES = {
    "phi3": (Phi3ForCausalLM, Phi3Config, {}),
    "llama": (LlamaForCausalLM, LlamaConfig, {}),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config, {}),
    # With a window that is shorter than some examples.
    "mistral": (MistralForCausalLM, MistralConfig, {"sliding_window": 6}),
}
LENGTHS = (23, 4, 9, 5, 2, 14)


def make_model(name: str, attention: str) -> Any:
    set_seed(3)
    cls, config, options = ARCHITECTURES[name]
    model = cls(config(**DIMENSIONS, **options, attn_implementation=attention)).eval()
    # What the trainer computes the loss by.
    add_fused_lm_head(model)
    return model


def make_examples() -> list[dict[str, list[int]]]:
    """Of each, the model learns the second half."""
    source = torch.Generator().manual_seed(1)
    examples = []
    for length in LENGTHS:
        ids = torch.randint(1, 97, (length,), generator=source).tolist()
        half = length // 2
        examples.append({"input_ids": ids, "labels": [-100] * half + ids[half:]})
    return examples


def summed_loss(model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    return -model(**batch, fused_lm_head=True).log_probs.sum()


def gradients(model: Any) -> dict[str, torch.Tensor]:
    return {name: each.grad.clone() for name, each in model.named_parameters()}


# The weights make rows of their own, a few rows, and one row of all examples.
@pytest.mark.parametrize("attention_weight", [1.0, 0.02, 0.0])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_loss_and_gradients_are_those_of_the_single_examples(
    name: str, attention: str, attention_weight: float
) -> None:
    model = make_model(name, attention)
    examples = make_examples()
    packed = summed_loss(model, PackedRows(0, attention_weight)(examples))
    packed.backward()
    together = gradients(model)
    model.zero_grad()
    alone = torch.zeros(())
    for example in examples:
        loss = summed_loss(model, {key: torch.tensor([ids]) for key, ids in example.items()})
        loss.backward()
        alone = alone + loss.detach()
    torch.testing.assert_close(packed.detach(), alone, rtol=1e-5, atol=1e-4)
    for parameter, expected in gradients(model).items():
        torch.testing.assert_close(together[parameter], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_example_is_blind_to_the_others_of_its_row(name: str) -> None:
    """Exactly: other tokens beside it change no bit of its logits."""
    model = make_model(name, "sdpa")
    examples = make_examples()
    batch = PackedRows(0, 0.0)(examples)
    # The longest example is first in the row.
    end = max(LENGTHS)
    inputs = {name: batch[name] for name in ("input_ids", "position_ids")}
    with torch.no_grad():
        before = model(**inputs, use_cache=False).logits
        inputs["input_ids"][0, :end] = 5
        after = model(**inputs, use_cache=False).logits
    assert not torch.equal(before[0, :end], after[0, :end])
    assert torch.equal(before[0, end:], after[0, end:])


@pytest.mark.parametrize("multiple_of", [1, 8])
def test_nothing_is_lost_and_first_tokens_are_not_learned(multiple_of: int) -> None:
    examples = [
        {"input_ids": ids["input_ids"], "labels": ids["input_ids"]} for ids in make_examples()
    ]
    batch = PackedRows(0, 0.02, multiple_of)(examples)
    assert batch["input_ids"].shape[1] % multiple_of == 0
    assert len({tensor.shape for tensor in batch.values()}) == 1
    learned = batch["labels"] != -100
    assert int(learned.sum()) == sum(LENGTHS) - len(LENGTHS)
    assert torch.equal(batch["labels"][learned], batch["input_ids"][learned])
    assert not (learned & (batch["position_ids"] == 0)).any()
    assert int(count_tokens(batch["position_ids"])) == sum(LENGTHS)
