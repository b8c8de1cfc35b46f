"""An answer is as long as the request allows, and as the context has room for."""

from typing import Any

import pytest

from model_server.engine import GenerationRequest, Prompt, TokenIds
from model_server.engine_server.answer_limit import AnswerLimiter
from model_server.errors import InvalidRequest
from model_server.options import GenerationOptions

_REFUSAL = InvalidRequest("options.top_k", 7, "the engine rejects it: no")


async def _count(prompt: Prompt) -> int:
    assert isinstance(prompt, str)
    return len(prompt)


_LIMITER = AnswerLimiter(2048, _count)
_SHORT_PROMPTS = AnswerLimiter(2048, _count, max_prompt_tokens=100)
_COUNTS_NOTHING = AnswerLimiter(2048, None)


def _request(prompt: Prompt, **options: Any) -> GenerationRequest:
    return GenerationRequest(prompt=prompt, options=GenerationOptions(**options))


@pytest.mark.parametrize(
    ("limiter", "request_", "limit"),
    [
        (_LIMITER, _request("x" * 10), 1024),
        (_LIMITER, _request("x" * 10, max_new_tokens=4000), 4000),
        (_LIMITER, _request("x" * 1500), 548),
        (_LIMITER, _request("x" * 10, max_length=30), 20),
        (_LIMITER, _request(TokenIds(tuple(range(12))), max_length=30), 18),
        (_COUNTS_NOTHING, _request("x" * 1500), 1024),
    ],
)
async def test_a_request_gets_a_limit(
    limiter: AnswerLimiter, request_: GenerationRequest, limit: int
) -> None:
    assert (await limiter.limit(request_)).options.max_new_tokens == limit


async def test_a_refused_request_gets_what_the_context_has_left() -> None:
    shorter = await _LIMITER.shorten(_request("x" * 2000, max_new_tokens=100), _REFUSAL)
    assert shorter.options.max_new_tokens == 48


@pytest.mark.parametrize(
    ("limiter", "request_"),
    [
        (_LIMITER, _request("x", max_new_tokens=5)),
        # It has room, and only counting shows it.
        (_LIMITER, _request("x" * 1990, max_new_tokens=58)),
        (_SHORT_PROMPTS, _request("x" * 90, max_new_tokens=5)),
        (_COUNTS_NOTHING, _request("x" * 4000, max_new_tokens=5)),
    ],
    ids="short counted prompt-fits no-counts".split(),
)
async def test_a_request_with_room_was_refused_for_another_cause(
    limiter: AnswerLimiter, request_: GenerationRequest
) -> None:
    with pytest.raises(InvalidRequest, match="top_k"):
        await limiter.shorten(request_, _REFUSAL)


@pytest.mark.parametrize(
    ("limiter", "request_", "says"),
    [
        (_LIMITER, _request("x" * 2048, max_new_tokens=5), "context holds 2048 tokens"),
        (_SHORT_PROMPTS, _request("x" * 101, max_new_tokens=5), "prompts of at most 100 tokens"),
    ],
)
async def test_a_prompt_without_room_is_rejected(
    limiter: AnswerLimiter, request_: GenerationRequest, says: str
) -> None:
    with pytest.raises(InvalidRequest, match=says):
        await limiter.shorten(request_, _REFUSAL)


async def test_a_length_that_nobody_counts_is_rejected() -> None:
    with pytest.raises(InvalidRequest, match=r"options\.max_length = 30: .*set max_new_tokens"):
        await _COUNTS_NOTHING.limit(_request("x", max_length=30))
