"""Rescales a Phi-3 so that LoRA updates have a larger effect, without changing its output.

Every matrix that LoRA adapts is divided by a factor, and its input is multiplied by the same
factor: the norm before qkv and gate_up, the value rows before o_proj, the `up` rows before
down_proj. The model computes the same function, but an update of a given size has `factor` times
the effect. A tiny model can therefore be tuned with the default learning rate and few rows; without
this it would need a far higher learning rate than large models do.
"""

from typing import Any

import torch


def amplify_lora(model: Any, factor: float) -> None:
    """Rescale the weights of a Phi3ForCausalLM in place. A power of two loses no precision."""
    config = model.config
    head = config.hidden_size // config.num_attention_heads
    queries_and_keys = head * (config.num_attention_heads + config.num_key_value_heads)
    with torch.no_grad():
        for layer in model.model.layers:
            layer.input_layernorm.weight *= factor
            # The value rows are unchanged: their input is scaled, so o_proj's input is as well.
            layer.self_attn.qkv_proj.weight[:queries_and_keys] /= factor
            layer.self_attn.o_proj.weight /= factor
            layer.post_attention_layernorm.weight *= factor
            layer.mlp.gate_up_proj.weight[: config.intermediate_size] /= factor
            layer.mlp.down_proj.weight /= factor
