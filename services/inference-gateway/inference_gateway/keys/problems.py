"""What a client reads whose key is missing, may not use a model, or has used up a limit. Pure."""

import math
from collections.abc import Sequence

from inference_gateway.errors import Problem, RequestRejected, too_many_requests, unavailable
from inference_gateway.keys.ledger.store import Amount, LimitReached
from inference_gateway.keys.ledger.windows import seconds_to_end
from kaito_keys.key_policy import KeyPolicy
from kaito_keys.limits import Limit, Unit, Window, show

# OpenAI's clients try again unless they read this, whatever Retry-After says.
_NO_RETRY = ((b"x-should-retry", b"false"),)
_CONCURRENT_RETRY_SECONDS = 1
_UNAUTHORIZED_HEADERS = ((b"www-authenticate", b'Bearer realm="kaito"'),)


def missing_key() -> RequestRejected:
    return _unauthorized(
        "no API key: send the header 'Authorization: Bearer kaito-...'; "
        "`kubectl kaito keys create` makes a key"
    )


def malformed_key() -> RequestRejected:
    return _unauthorized(
        "the API key is cut off or mistyped: it has the form kaito-<id>-<38 letters and digits>"
    )


def unknown_key() -> RequestRejected:
    return _unauthorized("the API key is unknown, revoked or expired: ask for a new one")


def revoked_key() -> Problem:
    """Of a stream that ran when its key was revoked."""
    return unknown_key().problem


def model_not_allowed(name: str, policy: KeyPolicy) -> RequestRejected:
    allowed = [*policy.models, *(f"{namespace}/*" for namespace in policy.namespaces)]
    return RequestRejected(
        Problem(
            status=403,
            message=f"key {policy.id} may not use model {name!r}; it may use: {', '.join(allowed)}",
            type="permission_error",
            param="model",
            code="model_not_allowed",
        )
    )


def price_unknown(model: str, policy: KeyPolicy) -> RequestRejected:
    return RequestRejected(
        Problem(
            status=403,
            message=f"key {policy.id} has a limit in dollars, and model {model!r} has no price: "
            "add it to the file of KAITO_PRICES_FILE, or use a model that has one",
            type="permission_error",
            param="model",
            code="price_unknown",
        )
    )


def store_away(detail: str) -> RequestRejected:
    return RequestRejected(
        unavailable(f"{detail}; the limits of keys cannot be checked: try again soon")
    )


def limit_reached(reached: LimitReached, policy: KeyPolicy, amount: Amount) -> RequestRejected:
    """429: a rate that comes back within the minute, or a budget that does not."""
    limit = next(
        (
            each
            for each in policy.limits
            if (each.window, each.unit) == (reached.window, reached.unit)
        ),
        None,
    )
    if limit is None:
        message = (
            f"key {policy.id}: concurrentRequests is {policy.concurrent_requests}, and as many "
            "are in flight; try again when one of them has ended"
        )
        problem = too_many_requests(message, retry_after=_CONCURRENT_RETRY_SECONDS)
        return RequestRejected(problem)
    return RequestRejected(_used_up(reached, limit, policy, amount))


def _used_up(reached: LimitReached, limit: Limit, policy: KeyPolicy, amount: Amount) -> Problem:
    wanted = amount.of(limit.unit)
    what = f"key {policy.id}: {limit.name} is {limit.shown_amount}"
    lower = "" if limit.unit is Unit.REQUESTS else "lower max_tokens, "
    if wanted > limit.amount:
        shorten = f"{lower}shorten the prompt, or " if lower else ""
        message = (
            f"{what}, and this request may take {show(limit.unit, wanted)}: "
            f"{shorten}ask for a higher limit"
        )
        return _quota(message, retry_after=0)
    left = show(limit.unit, reached.standing.remaining(limit))
    seconds = math.ceil(seconds_to_end(limit.window, reached.standing.now_seconds))
    message = f"{what}, {left} are left, and this request may take {show(limit.unit, wanted)}"
    if limit.window is Window.MINUTE:
        return too_many_requests(f"{message}: try again in {seconds} s", retry_after=seconds)
    message += f": {lower}try again in {_span(seconds)}, or ask for a higher limit"
    return _quota(message, retry_after=seconds)


def _quota(message: str, *, retry_after: int) -> Problem:
    return Problem(
        status=429,
        message=message,
        type="insufficient_quota",
        code="insufficient_quota",
        retry_after=retry_after,
        headers=_NO_RETRY,
    )


def _span(seconds: int) -> str:
    units: Sequence[tuple[str, int]] = (("days", 86_400), ("hours", 3600), ("minutes", 60))
    for name, length in units:
        if seconds >= 2 * length:
            return f"{seconds // length} {name}"
    return f"{seconds} seconds"


def _unauthorized(message: str) -> RequestRejected:
    return RequestRejected(
        Problem(status=401, message=message, code="invalid_api_key", headers=_UNAUTHORIZED_HEADERS)
    )
