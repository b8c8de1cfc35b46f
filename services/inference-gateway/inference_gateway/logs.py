"""JSON lines on stdout; one line for each request. Knows what a request was, not how it went on."""

import logging
import sys

from pythonjsonlogger.json import JsonFormatter

from inference_gateway.exchange import Exchange

# Asked every few seconds by machines: of interest only when something is wrong.
_PROBED = ("/healthz", "/livez", "/metrics")
_ACCESS = logging.getLogger("inference_gateway.access")


def configure(level: str) -> None:
    """Sends every logger's lines to stdout, uvicorn's own among them."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        JsonFormatter(
            "%(asctime)s %(levelname)s %(name)s %(message)s",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)


def access(exchange: Exchange, seconds: float) -> None:
    """The request's line. Prompts and answers never come into the log."""
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
    if facts.first_token_s is not None:
        line["first_token_ms"] = round(facts.first_token_s * 1000, 2)
    if facts.error:
        line["error"] = facts.error
    quiet = exchange.route in _PROBED and exchange.status < 400
    _ACCESS.log(logging.DEBUG if quiet else logging.INFO, "request", extra=line)
