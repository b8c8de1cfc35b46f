"""The messages of Envoy's external processing, as the endpoint picker protocol uses them. Pure."""

from collections.abc import Iterator, Mapping

from google.protobuf.struct_pb2 import Struct

from envoy.config.core.v3 import base_pb2 as core
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc
from envoy.type.v3 import http_status_pb2
from inference_gateway.errors import Problem, openai_body

DESTINATION = "x-gateway-destination-endpoint"
_DESTINATION_NAMESPACE = "envoy.lb"
_SUBSET = "x-gateway-destination-endpoint-subset"
_SUBSET_NAMESPACE = "envoy.lb.subset_hint"
# Envoy buffers 64 KiB of what a picker sends, and gRPC's own limit of a message is 4 MiB.
_CHUNK_BYTES = 62_000


def header_values(headers: ext_proc.HttpHeaders) -> dict[str, str]:
    """The headers by name. Envoy sends the values as bytes, older versions as texts."""
    return {
        each.key: each.raw_value.decode("latin-1") or each.value for each in headers.headers.headers
    }


def subset_hint(request: ext_proc.ProcessingRequest) -> frozenset[str] | None:
    """The addresses of which one must be picked; None if the gateway names none."""
    fields = request.metadata_context.filter_metadata.get(_SUBSET_NAMESPACE, Struct()).fields
    if _SUBSET not in fields:
        return None
    hint = fields[_SUBSET]
    # A list by the protocol; some gateways write the list that a header would have.
    if hint.WhichOneof("kind") == "string_value":
        named = hint.string_value.split(",")
    else:
        named = [each.string_value for each in hint.list_value.values]
    return frozenset(name.strip() for name in named) - {""}


def picked_at_headers(address: str) -> ext_proc.ProcessingResponse:
    """The answer to the request's headers, with the address."""
    headers = ext_proc.HeadersResponse(response=_destination(address))
    return ext_proc.ProcessingResponse(
        request_headers=headers, dynamic_metadata=_destination_metadata(address)
    )


def picked_at_body(address: str) -> ext_proc.ProcessingResponse:
    """The answer to a body that Envoy has buffered, with the address."""
    body = ext_proc.BodyResponse(response=_destination(address))
    return ext_proc.ProcessingResponse(
        request_body=body, dynamic_metadata=_destination_metadata(address)
    )


def body_chunks(body: bytes, *, is_last: bool) -> Iterator[ext_proc.ProcessingResponse]:
    """The request's body as it came, for the model-server. `is_last` if no trailers follow."""
    for start in range(0, max(len(body), 1), _CHUNK_BYTES):
        chunk = body[start : start + _CHUNK_BYTES]
        end = is_last and start + _CHUNK_BYTES >= len(body)
        yield ext_proc.ProcessingResponse(request_body=_streamed(chunk, end))


def response_chunk(body: ext_proc.HttpBody, *, is_streamed: bool) -> ext_proc.ProcessingResponse:
    """The answer to a part of the response's body: as it is."""
    same = _streamed(body.body, body.end_of_stream) if is_streamed else ext_proc.BodyResponse()
    return ext_proc.ProcessingResponse(response_body=same)


def rejected(problem: Problem) -> ext_proc.ProcessingResponse:
    """The whole response to the client, in the shape of the OpenAI API."""
    headers = {"content-type": "application/json"}
    if problem.retry_after_seconds is not None:
        headers["retry-after"] = str(problem.retry_after_seconds)
    code = _STATUS_NAMES.get(problem.status, "InternalServerError")
    return ext_proc.ProcessingResponse(
        immediate_response=ext_proc.ImmediateResponse(
            status=http_status_pb2.HttpStatus(code=code),
            headers=_set_headers(headers),
            body=openai_body(problem),
            details="endpoint_picker",
        )
    )


# What a request can be rejected with before a model-server has it.
_STATUS_NAMES: Mapping[int, str] = {
    400: "BadRequest",
    404: "NotFound",
    408: "RequestTimeout",
    413: "PayloadTooLarge",
    429: "TooManyRequests",
    500: "InternalServerError",
    503: "ServiceUnavailable",
}


def _destination(address: str) -> ext_proc.CommonResponse:
    mutation = _set_headers({DESTINATION: address})
    return ext_proc.CommonResponse(header_mutation=mutation, clear_route_cache=True)


def _destination_metadata(address: str) -> Struct:
    metadata = Struct()
    metadata.update({_DESTINATION_NAMESPACE: {DESTINATION: address}})
    return metadata


def _set_headers(headers: Mapping[str, str]) -> ext_proc.HeaderMutation:
    # A client must not choose the address itself.
    overwrite = core.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
    return ext_proc.HeaderMutation(
        set_headers=[
            core.HeaderValueOption(
                header=core.HeaderValue(key=name, raw_value=value.encode()),
                append_action=overwrite,
            )
            for name, value in headers.items()
        ]
    )


def _streamed(chunk: bytes, end_of_stream: bool) -> ext_proc.BodyResponse:
    streamed = ext_proc.StreamedBodyResponse(body=chunk, end_of_stream=end_of_stream)
    mutation = ext_proc.BodyMutation(streamed_response=streamed)
    return ext_proc.BodyResponse(response=ext_proc.CommonResponse(body_mutation=mutation))
