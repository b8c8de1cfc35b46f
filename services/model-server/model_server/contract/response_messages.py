"""This package's own types as the contract's responses. Pure."""

from kaito.inference.v1 import inference_pb2 as pb
from model_server.adapters.registry import Adapter, RejectedAdapter
from model_server.contract.serving_state import ServedModel
from model_server.engine import (
    Delta,
    FinishReason,
    LikelyToken,
    TokenLogprob,
    ToolCallDelta,
    Usage,
)
from model_server.pulled_adapters.wanted import PulledAdapter, PulledState
from model_server.startup.start_report import StartReport

_FINISH_REASONS = {
    None: pb.FINISH_REASON_UNSPECIFIED,
    FinishReason.STOP: pb.FINISH_REASON_STOP,
    FinishReason.LENGTH: pb.FINISH_REASON_LENGTH,
    FinishReason.TOOL_CALLS: pb.FINISH_REASON_TOOL_CALLS,
}

_PULLED_STATES = {
    PulledState.PENDING: pb.PULLED_ADAPTER_STATE_PENDING,
    PulledState.SERVING: pb.PULLED_ADAPTER_STATE_SERVING,
    PulledState.REJECTED: pb.PULLED_ADAPTER_STATE_REJECTED,
}


def to_finish_reason(reason: FinishReason | None) -> pb.FinishReason:
    """The contract's finish reason; None means "not ended yet"."""
    return _FINISH_REASONS[reason]


def to_usage(usage: Usage) -> pb.Usage:
    """The contract's token counts."""
    return pb.Usage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cached_tokens=usage.cached_tokens,
        reasoning_tokens=usage.reasoning_tokens,
    )


def to_logprob(logprob: TokenLogprob) -> pb.TokenLogprob:
    """The contract's probability of one token."""
    return pb.TokenLogprob(
        token=_to_likely_token(logprob.token), top=map(_to_likely_token, logprob.top)
    )


def _to_likely_token(token: LikelyToken) -> pb.LikelyToken:
    return pb.LikelyToken(id=token.id, text=token.text, raw=token.raw, logprob=token.logprob)


def to_tool_call_delta(delta: ToolCallDelta) -> pb.ToolCallDelta:
    """The contract's part of a call of a tool."""
    return pb.ToolCallDelta(
        index=delta.index, id=delta.id, name=delta.name, arguments=delta.arguments
    )


def to_stream_response(delta: Delta) -> pb.StreamGenerateResponse:
    """One message of a stream."""
    response = pb.StreamGenerateResponse(
        index=delta.index,
        text=delta.text,
        finish_reason=to_finish_reason(delta.finish_reason),
        reasoning=delta.reasoning,
        token_count=delta.token_count,
    )
    # Most messages have a text alone, and a field that is set to nothing costs as much as the text.
    if delta.usage:
        response.usage.CopyFrom(to_usage(delta.usage))
    if delta.logprobs:
        response.logprobs.extend(map(to_logprob, delta.logprobs))
    if delta.token_ids:
        response.token_ids.extend(delta.token_ids)
    if delta.tool_calls:
        response.tool_calls.extend(map(to_tool_call_delta, delta.tool_calls))
    if delta.prompt_logprobs:
        response.prompt_logprobs.extend(map(to_logprob, delta.prompt_logprobs))
    if delta.prompt_token_ids:
        response.prompt_token_ids.extend(delta.prompt_token_ids)
    return response


def to_model(name: str, served: ServedModel, pod_address: str) -> pb.Model:
    """The contract's description of the loaded model."""
    model = served.model
    return pb.Model(
        name=name,
        default_model=served.adapters.default_model,
        max_length=model.max_length,
        has_chat_template=model.has_chat_template,
        architecture=model.architecture,
        dtype=model.dtype,
        engine=model.engine,
        device=model.device,
        loaded_unix_seconds=served.loaded_unix_seconds,
        features=sorted(model.features),
        http_routes=model.http_routes,
        start=_to_start(served.start),
        pod_address=pod_address,
    )


def _to_start(start: StartReport) -> pb.ModelStart:
    """The contract's report of a model's start."""
    phases = [pb.StartPhase(name=name, seconds=seconds) for name, seconds in start.seconds.items()]
    return pb.ModelStart(phases=phases, measurement=_to_measurement(start))


def _to_measurement(start: StartReport) -> pb.StartMeasurement | None:
    speed, memory = start.speed, start.memory
    if speed is None:
        return None
    return pb.StartMeasurement(
        tokens_per_second=speed.tokens_per_second,
        peak_tokens_per_second=speed.peak_tokens_per_second,
        concurrent_answers=speed.answers,
        peak_memory_bytes=memory.peak_bytes if memory is not None else None,
        memory_bytes=memory.total_bytes if memory is not None else None,
    )


def to_adapter(adapter: Adapter) -> pb.Adapter:
    """The contract's description of a loaded adapter."""
    return pb.Adapter(
        name=adapter.source.name,
        path=str(adapter.source.path),
        strength=adapter.source.strength,
        rank=adapter.info.rank,
        base_model=adapter.info.base_model,
        image=adapter.image,
    )


def to_rejected_adapter(adapter: RejectedAdapter) -> pb.RejectedAdapter:
    """The contract's description of an adapter that did not load."""
    return pb.RejectedAdapter(name=adapter.name, path=str(adapter.path), cause=adapter.cause)


def to_pulled_adapter(adapter: PulledAdapter) -> pb.PulledAdapter:
    """The contract's description of what became of a wanted adapter."""
    return pb.PulledAdapter(
        name=adapter.name,
        state=_PULLED_STATES[adapter.state],
        image=adapter.image,
        cause=adapter.cause,
        unverified=adapter.unverified,
        signed_by=adapter.signed_by,
    )
