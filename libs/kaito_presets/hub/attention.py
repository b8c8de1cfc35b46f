"""Reads how a model attends, which decides what a token of context costs in memory."""

from kaito_presets.hub.model_config import ModelConfig
from kaito_presets.preset import Attention, LatentAttention

# Their config.json has the fields of a latent, and engines cache full heads all the same.
_WITHOUT_LATENT_CACHE = frozenset({"MiniCPM3ForCausalLM"})
_LIMITS = (
    *("max_position_embeddings", "n_positions", "max_sequence_length", "max_seq_len"),
    *("max_seq_length", "seq_length", "model_max_length", "n_ctx"),
)
# Old models do not say, and the longest that one of them was trained with is this.
_DEFAULT_LIMIT = 2048


def read_attention(config: ModelConfig, architecture: str) -> Attention:
    """Heads, layers and sizes; `Attention.kind` says what they make.

    Every layer counts as full attention: windows and states make the cache smaller, so the
    estimate that follows is an upper bound, as for the presets.

    Raises:
        Refused: a field is missing or no number.
    """
    heads = config.integer("num_attention_heads", "n_head", "n_heads", "num_heads")
    hidden_size = config.optional_integer(
        *("hidden_size", "n_embd", "n_embed", "d_model", "dim", "model_dim")
    )
    head_dim = config.optional_integer("head_dim", "kv_channels", "attention_head_dim")
    if head_dim is None:
        if hidden_size is None:
            raise config.refused("hidden_size", "is missing")
        head_dim = max(1, hidden_size // heads)
    return Attention(
        layers=config.integer("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
        heads=heads,
        kv_heads=_kv_heads(config, heads),
        head_dim=head_dim,
        hidden_size=hidden_size,
        latent=None if architecture in _WITHOUT_LATENT_CACHE else _latent(config),
    )


def _kv_heads(config: ModelConfig, heads: int) -> int:
    # Falcon's first models set num_kv_heads to the number of heads beside it.
    if config.get("multi_query") is True and not config.get("new_decoder_architecture"):
        return 1
    names = ("num_key_value_heads", "n_kv_heads", "num_kv_heads", "n_head_kv")
    return config.optional_integer(*names, "multi_query_group_num") or heads


def _latent(config: ModelConfig) -> LatentAttention | None:
    rank = config.optional_integer("kv_lora_rank")
    if rank is None:
        return None
    return LatentAttention(rank, config.optional_integer("qk_rope_head_dim") or 0)


def read_token_limit(config: ModelConfig) -> int:
    """The longest context in tokens, without what scaling of positions may add to it."""
    return config.optional_integer(*_LIMITS) or _DEFAULT_LIMIT


def read_sliding_window(config: ModelConfig) -> int | None:
    """Tokens that layers with a window attend to; None where there are none."""
    if config.get("use_sliding_window") is False:
        return None
    return config.shown_integer("sliding_window", "sliding_window_size")


def read_experts(config: ModelConfig) -> int | None:
    """The number of experts of a mixture; None for a dense model."""
    names = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")
    count = config.shown_integer(*names)
    if count is None and isinstance(moe := config.section("moe").get("num_experts"), int):
        count = moe
    return count if count is not None and count > 1 else None
