"""A model that lets packed examples see each other is found out before it trains."""

import pytest
import torch
from transformers import FalconConfig, FalconForCausalLM, MambaConfig, MambaForCausalLM, set_seed

from tests.tuner.training.test_packed_rows import ARCHITECTURES, DIMENSIONS, make_model
from tuner.training.boundary_probe import keeps_examples_apart


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_attention_by_positions_keeps_examples_apart(name: str, attention: str) -> None:
    model = make_model(name, attention)
    assert keeps_examples_apart(model)
    assert keeps_examples_apart(model.to(torch.bfloat16))


def test_a_recurrent_model_does_not() -> None:
    set_seed(3)
    config = MambaConfig(vocab_size=97, hidden_size=32, num_hidden_layers=2, state_size=4)
    assert not keeps_examples_apart(MambaForCausalLM(config))


def test_falcon_does_not() -> None:
    """It makes its mask without the positions."""
    set_seed(3)
    config = FalconConfig(**DIMENSIONS, new_decoder_architecture=True)
    assert not keeps_examples_apart(FalconForCausalLM(config))


def test_the_mode_of_the_model_stays() -> None:
    model = make_model("llama", "sdpa").train()
    keeps_examples_apart(model)
    assert model.training
