"""One call of Embed: admitted, counted, and logged when it ends."""

import grpc

from kaito.inference.v1 import inference_pb2 as pb
from model_server.calls.call import Call
from model_server.contract.serving_state import ServingState
from model_server.engine import EmbeddingEngine, EmbeddingRequest, TokenIds
from model_server.errors import InvalidRequest, NotSupported

# OpenAI's bound.
MAX_INPUTS = 2048


class EmbeddingCall(Call):
    """One call of Embed."""

    def __init__(self, request: pb.EmbedRequest, state: ServingState) -> None:
        super().__init__("Embed", request.request_id, state)
        self._request = request

    async def run(self) -> pb.EmbedResponse:
        """The response.

        Raises:
            InferenceError: the request cannot be served, or the engine failed.
        """
        state, request = self._state, self._request
        # The engine bounds how much of one call runs at once.
        with state.admission.admit(1):
            served = state.require_served()
            adapter = served.adapters.resolve(request.model)
            self.model = adapter or state.name
            engine = served.engine
            if not isinstance(engine, EmbeddingEngine):
                raise NotSupported(f"this model's engine, {served.model.engine}, embeds no texts")
            async with served.adapters.use(adapter) as engine_name:
                found = await engine.embed(_parse(request, engine_name))
        state.metrics.prompt_tokens.labels(self.model).inc(found.prompt_tokens)
        self._log_fields |= {"inputs": len(found.vectors), "prompt_tokens": found.prompt_tokens}
        self.end(grpc.StatusCode.OK)
        return pb.EmbedResponse(
            embeddings=[pb.Embedding(values=vector) for vector in found.vectors],
            usage=pb.Usage(prompt_tokens=found.prompt_tokens),
            request_id=self.id,
            model=self.model,
        )


def _parse(request: pb.EmbedRequest, adapter: str | None) -> EmbeddingRequest:
    if not 1 <= len(request.inputs) <= MAX_INPUTS:
        raise InvalidRequest(
            "inputs", f"{len(request.inputs)} inputs", f"send 1 to {MAX_INPUTS} in a request"
        )
    dimensions = request.dimensions if request.HasField("dimensions") else None
    if dimensions == 0:
        raise InvalidRequest("dimensions", 0, "must be 1 or more; leave it out for all")
    return EmbeddingRequest(
        inputs=tuple(_parse_input(index, each) for index, each in enumerate(request.inputs)),
        adapter=adapter,
        dimensions=dimensions,
        truncate=request.truncate,
    )


def _parse_input(index: int, message: pb.EmbedInput) -> str | TokenIds:
    field = f"inputs[{index}]"
    match message.WhichOneof("input"):
        case "text":
            if not message.text:
                raise InvalidRequest(f"{field}.text", "", "must not be empty")
            return message.text
        case "token_ids":
            if not message.token_ids.ids:
                raise InvalidRequest(f"{field}.token_ids.ids", [], "at least one token is required")
            return TokenIds(tuple(message.token_ids.ids))
        case _:
            raise InvalidRequest(field, None, "set text or token_ids")
