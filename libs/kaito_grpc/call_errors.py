"""The errors for bytes that are not a request, and for defects of the server.

grpc's own answers are UNKNOWN with the exception's text, and INTERNAL without a cause.
"""

import logging
from typing import Any

from google.protobuf.message import DecodeError

logger = logging.getLogger(__name__)
DEFECT = "the server failed; its log has the cause"


def undecodable(method: str) -> str:
    """The message for bytes that the method's request type cannot be read from."""
    return f"the bytes are not a request of {method}: use the messages of its contract"


def unimplemented(method: str) -> str:
    """The message for a method that the server's services leave out."""
    return f"this server does not implement {method}"


def decode(handler: Any, raw: bytes) -> Any:
    """The request in these bytes; None if there is none."""
    try:
        return handler.request_deserializer(raw)
    except (DecodeError, ValueError):
        return None


def log_defect(method: str) -> None:
    """Log the exception that is being handled."""
    logger.exception("call failed", extra={"method": method})
