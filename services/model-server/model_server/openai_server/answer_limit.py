"""How long an answer may be, and how long its prompt may be at most. Pure."""

from dataclasses import replace
from math import inf

from model_server.engine import GenerationRequest, Prompt, TokenIds

# What a chat template adds to a message, or a tokenizer to a prompt; most add a fifth of it.
_TEMPLATE_TOKENS = 64


def with_limit(request: GenerationRequest, max_new_tokens: int) -> GenerationRequest:
    """The request for an answer of at most so many tokens."""
    options = replace(request.options, max_new_tokens=max_new_tokens, max_length=None)
    return replace(request, options=options)


def most_tokens(prompt: Prompt) -> float:
    """At least as many tokens as the prompt has: none is shorter than a byte."""
    if isinstance(prompt, TokenIds):
        return len(prompt.ids)
    if isinstance(prompt, str):
        return len(prompt.encode()) + _TEMPLATE_TOKENS
    if prompt.tools or prompt.template_arguments:
        # What a template writes about them has no such bound.
        return inf
    contents = sum(len(message.content.encode()) for message in prompt.messages)
    return contents + _TEMPLATE_TOKENS * (len(prompt.messages) + 1)
