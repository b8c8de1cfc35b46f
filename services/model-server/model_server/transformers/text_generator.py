"""Generates the answer to one request, in the running batch or by beam search."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from model_server.detokenizer import ChoiceDetokenizer
from model_server.engine import Delta, FinishReason, GenerationRequest, Usage
from model_server.errors import GenerationFailed
from model_server.options import SamplingParams, resolve
from model_server.transformers.beam_search import BeamSearch, BeamSearchRequest
from model_server.transformers.continuous_batch import ContinuousBatch, SequenceRequest
from model_server.transformers.model_loader import LoadedModel
from model_server.transformers.output_router import SequenceState
from model_server.transformers.prompt_tokenizer import PromptTokenizer
from model_server.transformers.sampler import create_sampling

_StateQueue = asyncio.Queue[tuple[int, SequenceState]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextGenerator:
    """A loaded model with everything that turns prompts into text."""

    loaded: LoadedModel
    tokenizer: PromptTokenizer
    batch: ContinuousBatch
    beam_search: BeamSearch
    context_tokens: int
    _sequence_ids: Iterator[int] = field(default_factory=count)

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[Delta, None]:
        """The deltas of all choices; closing the generator stops the generation.

        Raises:
            InvalidRequest: the prompt or an option cannot be served.
            GenerationFailed: this answer cannot be continued.
            EngineFailed: the model broke while it was running.
        """
        prompt = await self.tokenizer.encode(request.prompt)
        params = resolve(
            request.options,
            self.loaded.defaults,
            prompt_tokens=len(prompt),
            context_tokens=self.context_tokens,
        )
        generate = self._search_beams if params.num_beams > 1 else self._generate_in_batch
        async with aclosing(generate(prompt, params, request.adapter)) as deltas:
            async for delta in deltas:
                yield delta

    async def _generate_in_batch(
        self, prompt: Sequence[int], params: SamplingParams, adapter: str | None
    ) -> AsyncGenerator[Delta, None]:
        """One sequence per choice, with deltas as tokens arrive."""
        states: _StateQueue = asyncio.Queue()
        texts = [
            ChoiceDetokenizer(self.tokenizer.decode, params.stop) for _ in range(params.choices)
        ]
        token_counts = [0] * params.choices
        running = {index: f"{next(self._sequence_ids)}" for index in range(params.choices)}
        queued_seconds = 0.0
        try:
            for index, sequence_id in running.items():
                sequence = self._create_sequence(sequence_id, index, prompt, params, adapter)
                self.batch.add(sequence, partial(_put, states, index))
            while running:
                index, state = await states.get()
                # A stop string ended the choice while another state of it was already queued.
                if index not in running:
                    continue
                if state.error:
                    raise state.error
                new_tokens = state.tokens[token_counts[index] :]
                token_counts[index] = len(state.tokens)
                queued_seconds = queued_seconds or state.queued_seconds
                text, finish_reason = texts[index].add(
                    self._without_end_token(new_tokens), self._finish_reason(state)
                )
                if finish_reason:
                    self.batch.remove(running.pop(index))
                usage = Usage(
                    prompt_tokens=len(prompt),
                    completion_tokens=sum(token_counts),
                    queued_seconds=queued_seconds,
                )
                yield Delta(
                    index=index,
                    text=text,
                    token_count=len(new_tokens),
                    finish_reason=finish_reason,
                    usage=None if running else usage,
                )
        finally:
            for sequence_id in running.values():
                self.batch.remove(sequence_id)

    def _create_sequence(
        self,
        sequence_id: str,
        index: int,
        prompt: Sequence[int],
        params: SamplingParams,
        adapter: str | None,
    ) -> SequenceRequest:
        sampling = create_sampling(
            params,
            index,
            prompt_tokens=len(prompt),
            end_tokens=self.loaded.end_tokens,
            device=self.loaded.model.device,
        )
        return SequenceRequest(id=sequence_id, prompt=prompt, sampling=sampling, adapter=adapter)

    async def _search_beams(
        self, prompt: Sequence[int], params: SamplingParams, adapter: str | None
    ) -> AsyncGenerator[Delta, None]:
        """One delta per choice: which beams win is only known at the end."""
        canceled = threading.Event()
        request = BeamSearchRequest(
            prompt=prompt, params=params, adapter=adapter, canceled=canceled
        )
        try:
            choices = await asyncio.to_thread(self.beam_search.search, request)
        except Exception as error:
            # Beam search runs one request at a time, so no other answer is affected.
            raise GenerationFailed(f"beam search failed: {error!r}") from error
        finally:
            canceled.set()
        usage = Usage(prompt_tokens=len(prompt), completion_tokens=sum(map(len, choices)))
        for index, tokens in enumerate(choices):
            text, finish_reason = ChoiceDetokenizer(self.tokenizer.decode, params.stop).add(
                self._without_end_token(tokens), self._end_reason(tokens)
            )
            yield Delta(
                index=index,
                text=text,
                token_count=len(tokens),
                finish_reason=finish_reason,
                usage=usage if index == len(choices) - 1 else None,
            )

    def _finish_reason(self, state: SequenceState) -> FinishReason | None:
        return self._end_reason(state.tokens) if state.finished else None

    def _end_reason(self, tokens: Sequence[int]) -> FinishReason:
        ended = bool(tokens) and tokens[-1] in self.loaded.end_tokens
        return FinishReason.STOP if ended else FinishReason.LENGTH

    def _without_end_token(self, tokens: Sequence[int]) -> Sequence[int]:
        """Not every tokenizer treats the end token as a special token to skip."""
        return tokens[:-1] if tokens and tokens[-1] in self.loaded.end_tokens else tokens


def _put(states: _StateQueue, index: int, state: SequenceState) -> None:
    states.put_nowait((index, state))
