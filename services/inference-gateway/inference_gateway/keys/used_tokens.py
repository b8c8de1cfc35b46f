"""What a request has used, from what is known of it when it has ended. Pure."""

from dataclasses import dataclass

from inference_gateway.errors import CLIENT_CLOSED_REQUEST
from inference_gateway.keys.cost_bound import TokenBound
from inference_gateway.request_context import RequestLog

# Of an answer that did not end, the model has worked for it; after another error it has not.
_WORKED_FOR = (200, CLIENT_CLOSED_REQUEST, 504)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a request ended. `prompts` are as many as the model-server was asked for."""

    status: int
    prompts: int
    is_streaming: bool
    bound: TokenBound


@dataclass(frozen=True, slots=True)
class UsedTokens:
    """`prompt` is None where the prompts have yet to be counted."""

    prompt: int | None
    completion: int
    estimated: bool = False


def used_tokens(outcome: Outcome, log: RequestLog) -> UsedTokens:
    """The tokens of a request.

    What the model-server counted, for answers that ended. A stream that was left costs the tokens
    that came. Of a whole answer that was left nobody knows how far it was, so it costs what was
    reserved: else requests that are given up would be free.
    """
    if log.usages >= outcome.prompts:
        return UsedTokens(log.prompt_tokens, log.completion_tokens)
    if outcome.status not in _WORKED_FOR:
        return UsedTokens(log.prompt_tokens, log.completion_tokens + log.partial_tokens)
    if outcome.is_streaming:
        return UsedTokens(None, log.completion_tokens + log.partial_tokens)
    return UsedTokens(None, max(outcome.bound.completion, log.completion_tokens), estimated=True)
