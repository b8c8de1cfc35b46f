"""Says which field of a request is wrong, in google.rpc's error model.

A server sends a BadRequest with the status; clients in all languages can read it.
"""

from dataclasses import dataclass
from typing import Any, cast

import grpc
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """`field` is the path in the request's message, such as options.temperature."""

    field: str
    description: str


def to_trailers(message: str, violation: FieldViolation) -> Any:
    """The trailing metadata of an INVALID_ARGUMENT with this message."""
    status = status_pb2.Status(code=code_pb2.INVALID_ARGUMENT, message=message)
    details = error_details_pb2.BadRequest()
    details.field_violations.add(field=violation.field, description=violation.description)
    status.details.add().Pack(details)
    return rpc_status.to_status(status).trailing_metadata


def from_error(error: grpc.aio.AioRpcError) -> FieldViolation | None:
    """The first field that the server calls wrong; None where it names none."""
    try:
        # An error has what the function reads of a call: code, details and trailing metadata.
        status = rpc_status.from_call(cast(grpc.Call, error))
    except ValueError:
        # The details contradict the status: another server's, or a proxy's.
        return None
    return _first_violation(status) if status else None


def from_details(details: bytes) -> FieldViolation | None:
    """The first field that a google.rpc.Status calls wrong, encoded as in a call's trailers."""
    try:
        return _first_violation(status_pb2.Status.FromString(details))
    except DecodeError:
        # Another server's, or a proxy's.
        return None


def _first_violation(status: status_pb2.Status) -> FieldViolation | None:
    for packed in status.details:
        details = error_details_pb2.BadRequest()
        if packed.Unpack(details) and details.field_violations:
            found = details.field_violations[0]
            return FieldViolation(found.field, found.description)
    return None
