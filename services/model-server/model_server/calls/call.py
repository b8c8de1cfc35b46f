"""One call that an engine works for: its id, and what is counted and logged when it ends."""

import logging
import re
import time
import uuid

import grpc

from model_server.contract.serving_state import ServingState

logger = logging.getLogger(__name__)
_CLIENT_REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}")


class Call:
    """One call. Prompts and answers are never logged."""

    def __init__(self, method: str, request_id: str, state: ServingState) -> None:
        self._method = method
        self._state = state
        self._started_at = time.monotonic()
        # It is logged and echoed, so a client's own may only hold characters that are safe there.
        is_safe = _CLIENT_REQUEST_ID.fullmatch(request_id)
        self.id: str = request_id if is_safe else uuid.uuid4().hex
        # The metrics' label until the model is known: a client must not be able to create series.
        self.model = "unknown"
        self._log_fields: dict[str, object] = {}

    def end(self, code: grpc.StatusCode, message: str = "") -> None:
        """Count and log how the call ended."""
        seconds = time.monotonic() - self._started_at
        metrics = self._state.metrics
        metrics.requests.labels(self._method, self.model, code.name).inc()
        metrics.duration.labels(self.model).observe(seconds)
        fields = {
            "method": self._method,
            "request_id": self.id,
            "model": self.model,
            "code": code.name,
            "seconds": round(seconds, 4),
            **self._log_fields,
        }
        logger.info(message or "request ended", extra=fields)
