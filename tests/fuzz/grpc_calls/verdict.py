"""Whether a call may end as it did. Pure."""

from kaito.inference.v1 import inference_pb2 as pb
from tests.fuzz.grpc_calls.call import Call
from tests.fuzz.grpc_calls.client import ENDED_EARLY, Outcome

_REFUSALS = frozenset(
    (
        "INVALID_ARGUMENT NOT_FOUND ALREADY_EXISTS FAILED_PRECONDITION OUT_OF_RANGE "
        "RESOURCE_EXHAUSTED PERMISSION_DENIED UNAUTHENTICATED UNIMPLEMENTED"
    ).split()
)
_CLIENT_LEFT = frozenset({"CANCELLED", "DEADLINE_EXCEEDED"})


def problem(call: Call, outcome: Outcome) -> str:
    """What is wrong, in words that are the same for all calls with this problem; empty if nothing.

    A healthy server answers, or refuses with a status that names the cause. INTERNAL is documented
    for an answer that cannot be continued, which nothing that a client sends may bring about.
    """
    if outcome.status == "OK":
        return _problem_of_answer(call, outcome)
    if outcome.status == ENDED_EARLY:
        return ""
    if outcome.status in _CLIENT_LEFT:
        return "" if call.client_leaves else f"{outcome.status} for a client that waits"
    if outcome.status not in _REFUSALS:
        return f"{outcome.status}: {outcome.details[:120]}"
    # grpc's own health service says nothing with its NOT_FOUND.
    if not outcome.details and call.method.path.startswith("/kaito."):
        return f"{outcome.status} without a message"
    if _lacks_field(call, outcome):
        return f"INVALID_ARGUMENT that names no field: {outcome.details[:60]}"
    return ""


def _lacks_field(call: Call, outcome: Outcome) -> bool:
    """The contract promises a BadRequest with the field, unless the bytes are no message."""
    if outcome.status != "INVALID_ARGUMENT" or not call.method.path.startswith("/kaito."):
        return False
    administration = "Administration" in call.method.path
    return not outcome.field and None not in call.requests and not administration


def _problem_of_answer(call: Call, outcome: Outcome) -> str:
    if None in call.requests and not call.method.client_streams:
        return "OK for bytes that are no message"
    if call.method.request is pb.GenerateRequest:
        (answer,), (request,) = outcome.messages, call.requests
        assert isinstance(request, pb.GenerateRequest)
        assert isinstance(answer, pb.GenerateResponse)
        return _problem_of_choices(request, [(c.index, c.finish_reason) for c in answer.choices])
    if call.method.request is pb.StreamGenerateRequest:
        (streamed,) = call.requests
        assert isinstance(streamed, pb.StreamGenerateRequest)
        ends = [
            (message.index, message.finish_reason)
            for message in outcome.messages
            if isinstance(message, pb.StreamGenerateResponse) and message.finish_reason
        ]
        return _problem_of_choices(streamed.request, sorted(ends))
    return ""


def _problem_of_choices(request: pb.GenerateRequest, ends: list[tuple[int, int]]) -> str:
    expected = request.options.num_return_sequences or 1
    if [index for index, _ in ends] != list(range(expected)):
        return f"{len(ends)} choices ended instead of those requested"
    if any(reason == pb.FINISH_REASON_UNSPECIFIED for _, reason in ends):
        return "a choice without a finish reason"
    return ""
