"""The dimensions of a model, and what its training costs by them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Bytes that a layer keeps of each token for the backward pass, in half precision: of the hidden
# size, two norms with their float32 inputs, the projections of attention and both residuals; of the
# intermediate size, gate, up, activation and product. LoRA's float32 copies of its inputs included.
HIDDEN_BYTES, INTERMEDIATE_BYTES = 40, 14
# With checkpointing it keeps its input only.
CHECKPOINT_BYTES = 2
# What an optimizer of the Adam kind holds of a trained parameter, all in float32: the value, its
# gradient and two moments.
TRAINED_PARAMETER_BYTES = 16
# Attention reaches about half the speed of a matrix product.
ATTENTION_SLOWNESS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSize:
    """`trained` counts the parameters that are trained."""

    hidden: int
    intermediate: int
    layers: int
    trained: int = 0

    def bytes_per_token(self, *, checkpointing: bool) -> int:
        """Memory that a token of a batch takes between the forward and the backward pass."""
        layer = HIDDEN_BYTES * self.hidden + INTERMEDIATE_BYTES * self.intermediate
        if checkpointing:
            # One layer at a time is computed again.
            return CHECKPOINT_BYTES * self.hidden * self.layers + layer
        return layer * self.layers

    @property
    def evaluated_bytes_per_token(self) -> int:
        """Memory that a token takes at most without a backward pass: one layer at a time."""
        return self.bytes_per_token(checkpointing=True)

    @property
    def attention_weight(self) -> float:
        """See `rows.arrange`."""
        products = 4 * self.hidden + 3 * self.intermediate
        return ATTENTION_SLOWNESS * 2 / products


def model_size(config: Mapping[str, Any], trained: int) -> ModelSize | None:
    """The size by the model's configuration; None if it does not tell."""
    hidden, layers = config.get("hidden_size"), config.get("num_hidden_layers")
    intermediate = config.get("intermediate_size") or (hidden and 4 * hidden)
    if not (isinstance(hidden, int) and isinstance(layers, int) and isinstance(intermediate, int)):
        return None
    return ModelSize(hidden=hidden, intermediate=intermediate, layers=layers, trained=trained)
