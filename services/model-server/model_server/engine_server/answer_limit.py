"""How long an answer may be: what a request leaves open, and what the context has room for."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from math import inf

from model_server.engine import GenerationRequest, Prompt, TokenIds
from model_server.errors import InvalidRequest
from model_server.options import DEFAULT_NEW_TOKENS, GenerationOptions, resolve

# What a chat template adds to a message, or a tokenizer to a prompt; most add a fifth of it.
_TEMPLATE_TOKENS = 64
CountTokens = Callable[[Prompt], Awaitable[int]]


class AnswerLimiter:
    """Sets `max_new_tokens` of requests: the server's own defaults are others.

    A server rejects what is too long before it generates; counting the tokens of every request
    beforehand would cost each of them a round trip.
    """

    def __init__(
        self,
        context_tokens: int,
        count_tokens: CountTokens | None,
        *,
        max_prompt_tokens: int | None = None,
    ) -> None:
        """`count_tokens` is None for a server that counts none."""
        self._context = context_tokens
        self._count_tokens = count_tokens
        self._max_prompt_tokens = max_prompt_tokens

    async def limit(self, request: GenerationRequest) -> GenerationRequest:
        """The request with a limit of new tokens.

        Raises:
            InvalidRequest: the prompt alone is as long as `max_length`, or the context.
        """
        options = request.options
        if options.max_new_tokens is not None:
            return request
        if options.max_length is None and (
            self._count_tokens is None
            or most_tokens(request.prompt) + DEFAULT_NEW_TOKENS <= self._context
        ):
            return with_limit(request, DEFAULT_NEW_TOKENS)
        return await self._fit(request)

    async def shorten(
        self, request: GenerationRequest, refusal: InvalidRequest
    ) -> GenerationRequest:
        """The refused request with as many new tokens as the context has left.

        Raises:
            InvalidRequest: the prompt is too long, or the request was refused for another cause.
        """
        prompt = most_tokens(request.prompt)
        new = request.options.max_new_tokens or DEFAULT_NEW_TOKENS
        has_room = prompt + new <= self._context and prompt <= (self._max_prompt_tokens or inf)
        if has_room or self._count_tokens is None:
            raise refusal
        shorter = await self._fit(request)
        if shorter == request:
            raise refusal
        return shorter

    async def _fit(self, request: GenerationRequest) -> GenerationRequest:
        """The request with a limit that its prompt leaves in the context.

        Raises:
            InvalidRequest: not even one new token fits.
        """
        tokens = await self._count(request)
        params = resolve(
            request.options, GenerationOptions(), prompt_tokens=tokens, context_tokens=self._context
        )
        most = self._max_prompt_tokens
        if most is not None and tokens > most:
            raise InvalidRequest(
                "input",
                f"{tokens} tokens",
                f"the engine takes prompts of at most {most} tokens; shorten the prompt",
            )
        return with_limit(request, params.max_new_tokens)

    async def _count(self, request: GenerationRequest) -> int:
        if isinstance(request.prompt, TokenIds):
            return len(request.prompt.ids)
        if self._count_tokens is None:
            raise InvalidRequest(
                "options.max_length",
                request.options.max_length,
                "this model's engine counts no tokens; set max_new_tokens",
            )
        return await self._count_tokens(request.prompt)


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
