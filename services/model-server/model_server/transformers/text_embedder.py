"""Embeds texts: the mean of a decoder's last hidden states, as llama.cpp's default does.

An input is a sequence of the running batch that ends with its prompt. So it shares the forward
passes, the KV cache and the adapters with generation, and a long one never blocks an answer.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import normalize

from model_server.engine import EmbeddingRequest, Embeddings, TokenIds
from model_server.errors import GenerationFailed, InvalidRequest
from model_server.options import SamplingParams
from model_server.transformers.continuous_batch import ContinuousBatch
from model_server.transformers.lora_layers import LoraLayers
from model_server.transformers.model_loader import LoadedModel
from model_server.transformers.output_router import SequenceState
from model_server.transformers.prompt_tokenizer import PromptTokenizer
from model_server.transformers.request_limits import check_vocabulary
from model_server.transformers.sampler import create_sampling
from model_server.transformers.sequence import SequenceRequest

# Inputs of one request in the batch at once, so that others keep their places in it.
_AT_ONCE = 16
# What a response may hold, below the bound of a message.
_MAX_RESPONSE_BYTES = 28 * 2**20
_BYTES_PER_NUMBER = 4
# The batch generates a token, which nobody reads.
_ONE_TOKEN = SamplingParams(max_new_tokens=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEmbedder:
    """A loaded model with what turns texts into vectors."""

    loaded: LoadedModel
    tokenizer: PromptTokenizer
    batch: ContinuousBatch
    layers: LoraLayers
    context_tokens: int

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        """A vector for each input; canceling the call stops it.

        Raises:
            InvalidRequest: an input or the number of dimensions cannot be served.
            GenerationFailed: an input cannot be embedded.
            EngineFailed: the model broke while it was running.
        """
        self._check(request)
        prompts = [await self._encode(i, request) for i in range(len(request.inputs))]
        turn = asyncio.Semaphore(_AT_ONCE)

        async def embed(prompt: Sequence[int]) -> tuple[float, ...]:
            async with turn:
                mean = await self._mean_state(prompt, request.adapter)
            vector = normalize(mean[: request.dimensions], dim=0)
            if not bool(vector.isfinite().all()):
                raise GenerationFailed("an input cannot be embedded: the model computes no number")
            return tuple(vector.tolist())

        tasks = [asyncio.ensure_future(embed(prompt)) for prompt in prompts]
        try:
            vectors = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        return Embeddings(tuple(vectors), sum(map(len, prompts)))

    def _check(self, request: EmbeddingRequest) -> None:
        width = self.loaded.hidden_size
        if request.dimensions is not None and not 1 <= request.dimensions <= width:
            raise InvalidRequest(
                "dimensions", request.dimensions, f"the model's vectors have {width}; lower it"
            )
        largest = _MAX_RESPONSE_BYTES // (_BYTES_PER_NUMBER * (request.dimensions or width))
        if len(request.inputs) > largest:
            raise InvalidRequest(
                "inputs",
                f"{len(request.inputs)} inputs",
                f"their vectors do not fit into one response; send at most {largest}",
            )

    async def _encode(self, index: int, request: EmbeddingRequest) -> Sequence[int]:
        """The tokens of one input."""
        each, field_name = request.inputs[index], f"inputs[{index}]"
        if request.truncate:
            each = self._cut(each)
        try:
            tokens = await self.tokenizer.encode(each)
        except InvalidRequest as error:
            inner = error.field if isinstance(each, TokenIds) else "text"
            raise InvalidRequest(f"{field_name}.{inner}", error.value, error.problem) from error
        tokens = tokens[: self.context_tokens] if request.truncate else tokens
        if not 1 <= len(tokens) <= self.context_tokens:
            raise InvalidRequest(
                field_name,
                f"{len(tokens)} tokens",
                f"the model's context holds 1 to {self.context_tokens} tokens; shorten the input "
                "or set truncate",
            )
        check_vocabulary(tokens, self.loaded.vocabulary_size, field_name)
        return tokens

    def _cut(self, each: str | TokenIds) -> str | TokenIds:
        if isinstance(each, TokenIds):
            return TokenIds(each.ids[: self.context_tokens])
        return self.tokenizer.shorten(each)

    async def _mean_state(self, prompt: Sequence[int], adapter: str | None) -> Tensor:
        """The mean of the hidden states of all tokens, in float32 (width,)."""
        done: asyncio.Future[SequenceState] = asyncio.get_running_loop().create_future()

        def listen(state: SequenceState) -> None:
            if state.finished and not done.done():
                done.set_result(state)

        sampling = create_sampling(
            _ONE_TOKEN, 0, prompt_tokens=len(prompt), end_tokens=(), device="cpu"
        )
        sequence = SequenceRequest(
            id=self.batch.next_id(),
            prompt=prompt,
            sampling=sampling,
            adapter=adapter,
            adapter_version=self.layers.version(adapter),
            pooled=True,
        )
        self.batch.add(sequence, listen)
        try:
            state = await done
        finally:
            self.batch.remove(sequence.id)
        if state.error:
            raise state.error
        total = sequence.record.hidden_sum
        assert total is not None
        return total / len(prompt)
