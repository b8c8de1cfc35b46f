"""Rescales a Phi-3 so that it computes the same but answers low-rank updates more strongly.

Every matrix that LoRA adapts is divided by a factor, and what feeds it is multiplied by the same
factor: the norm before qkv and gate_up, the value rows before o_proj, the `up` rows before
down_proj. The function stays the same; an update of a given size beside the matrix counts
`factor` times as much. So the usual learning rate and few rows are enough for a tiny model, whose
matrices would otherwise need a rate far above the defaults for large models.
"""

from typing import Any

import torch


def ease_adaptation(model: Any, factor: float) -> None:
    """Changes the weights of a Phi3ForCausalLM in place; a power of two loses no precision."""
    config = model.config
    head = config.hidden_size // config.num_attention_heads
    queries_and_keys = head * (config.num_attention_heads + config.num_key_value_heads)
    with torch.no_grad():
        for layer in model.model.layers:
            layer.input_layernorm.weight *= factor
            # The value rows stay: their input grew, so what o_proj reads grows by `factor`.
            layer.self_attn.qkv_proj.weight[:queries_and_keys] /= factor
            layer.self_attn.o_proj.weight /= factor
            layer.post_attention_layernorm.weight *= factor
            layer.mlp.gate_up_proj.weight[: config.intermediate_size] /= factor
            layer.mlp.down_proj.weight /= factor
