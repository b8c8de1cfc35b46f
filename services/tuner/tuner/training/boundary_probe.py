"""Finds out whether a model keeps packed examples apart.

Not every architecture does: recurrent layers and code that comes with a model may ignore positions.
"""

from typing import Any

import torch

# Tokens of each of the two examples.
LENGTH = 8
# Of the largest logit. Rounding stays below; a token that is seen changes far more.
TOLERANCE = 0.01


def keeps_examples_apart(model: Any) -> bool:
    """Whether an example's logits are the same after any other example, and without one."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            return _is_unaffected(model, *_tokens(model))
    except (TypeError, ValueError, NotImplementedError):
        # It takes no positions.
        return False
    finally:
        model.train(was_training)


def _is_unaffected(
    model: Any, first: torch.Tensor, other: torch.Tensor, example: torch.Tensor
) -> bool:
    # With a cache, transformers takes positions for those of a generation. None is in training.
    reference = model(input_ids=example, use_cache=False).logits
    for before in (first, other):
        packed = model(
            input_ids=torch.cat([before, example], dim=1),
            position_ids=torch.arange(LENGTH, device=example.device).repeat(2)[None],
            use_cache=False,
        ).logits[:, LENGTH:]
        if not _equal(packed, reference):
            return False
    return True


def _tokens(model: Any) -> tuple[torch.Tensor, ...]:
    """Three examples of random tokens, each 1 x LENGTH, the same ones in every process."""
    embedding = model.get_input_embeddings().weight
    source = torch.Generator().manual_seed(0)
    ids = torch.randint(model.config.get_text_config().vocab_size, (3, LENGTH), generator=source)
    return tuple(ids.to(embedding.device).split(1))


def _equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    return float((one - other).abs().max()) <= TOLERANCE * float(other.abs().max())
