"""One line of the log for each request. Prompts and answers never come into it."""

import logging

from inference_gateway.exchange import Exchange

# Asked every few seconds by machines: of interest only when something is wrong.
_PROBED = ("/healthz", "/livez", "/metrics")
_ACCESS = logging.getLogger("inference_gateway.access")


def write(exchange: Exchange, seconds: float) -> None:
    """The line of a request that is over."""
    line: dict[str, object] = {
        "request_id": exchange.request_id,
        "method": exchange.method,
        "route": exchange.route,
        "status": exchange.status,
        "ms": round(seconds * 1000, 2),
    }
    facts = exchange.facts
    if facts.backend:
        line |= {
            "backend": facts.backend,
            "model": facts.model,
            "prompt_tokens": facts.prompt_tokens,
            "completion_tokens": facts.completion_tokens,
        }
    if facts.first_token_seconds is not None:
        line["first_token_ms"] = round(facts.first_token_seconds * 1000, 2)
    if facts.error:
        line["error"] = facts.error
    quiet = exchange.route in _PROBED and exchange.status < 400
    _ACCESS.log(logging.DEBUG if quiet else logging.INFO, "request", extra=line)
