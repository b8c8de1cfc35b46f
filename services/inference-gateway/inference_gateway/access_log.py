"""Logs one line per request. Prompts and answers are never logged."""

import logging

from inference_gateway.request_context import RequestContext

# Probes and scrapes arrive every few seconds; they are logged at INFO only when they fail.
_PROBE_ROUTES = ("/healthz", "/livez", "/metrics")
logger = logging.getLogger(__name__)


def write(context: RequestContext, seconds: float) -> None:
    """Logs a finished request."""
    line: dict[str, object] = {
        "request_id": context.request_id,
        "method": context.method,
        "route": context.route,
        "status": context.status,
        "ms": round(seconds * 1000, 2),
    }
    log = context.log
    if log.backend:
        line |= {
            "backend": log.backend,
            "model": log.model,
            "prompt_tokens": log.prompt_tokens,
            "completion_tokens": log.completion_tokens,
        }
    if log.first_token_seconds is not None:
        line["first_token_ms"] = round(log.first_token_seconds * 1000, 2)
    if log.error:
        line["error"] = log.error
    quiet = context.route in _PROBE_ROUTES and context.status < 400
    logger.log(logging.DEBUG if quiet else logging.INFO, "request", extra=line)
