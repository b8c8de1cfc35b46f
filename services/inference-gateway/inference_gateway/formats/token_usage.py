"""Sums of token counts. Pure."""

from collections.abc import Iterable

from kaito.inference.v1 import inference_pb2 as pb


def add_usage(total: pb.Usage, usage: pb.Usage) -> None:
    """Adds the tokens of one call to `total`."""
    total.prompt_tokens += usage.prompt_tokens
    total.completion_tokens += usage.completion_tokens
    total.cached_tokens += usage.cached_tokens
    total.reasoning_tokens += usage.reasoning_tokens


def total_usage(usages: Iterable[pb.Usage]) -> pb.Usage:
    """The sum over all calls."""
    total = pb.Usage()
    for usage in usages:
        add_usage(total, usage)
    return total
