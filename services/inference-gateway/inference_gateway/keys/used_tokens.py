"""What a request has used, from what is known of it when it has ended. Pure."""

from dataclasses import dataclass

from inference_gateway.errors import CLIENT_CLOSED_REQUEST
from inference_gateway.keys.cost_bound import TokenBound

# Of an answer that did not end, the model has worked for it; after another error it has not.
_WORKED_FOR = (200, CLIENT_CLOSED_REQUEST, 504)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a request ended.

    Of `begun` answers, `counted` ones have ended, and the model-server has told the tokens of
    prompts and answers. Of the others, `partial` new tokens have come.
    """

    status: int
    is_streaming: bool
    begun: int
    counted: int
    prompt: int
    completion: int
    partial: int
    bound: TokenBound


@dataclass(frozen=True, slots=True)
class UsedTokens:
    """`prompt` is None where the prompts have yet to be counted."""

    prompt: int | None
    completion: int
    estimated: bool = False


def used_tokens(outcome: Outcome) -> UsedTokens:
    """The tokens of a request.

    What the model-server counted, for answers that ended. A stream that was left costs the tokens
    that came. Of a whole answer that was left nobody knows how far it was, so it costs what was
    reserved: else requests that are given up would be free.
    """
    completion = outcome.completion + outcome.partial
    if outcome.counted >= outcome.begun or outcome.status not in _WORKED_FOR:
        return UsedTokens(outcome.prompt, completion)
    if outcome.is_streaming:
        return UsedTokens(None, completion)
    return UsedTokens(None, max(outcome.bound.completion, completion), estimated=True)
