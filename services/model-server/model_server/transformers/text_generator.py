"""Generates the answer to one request, in the running batch or by beam search."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial

from model_server.engine import Delta, FinishReason, GenerationRequest, TokenLogprob, Usage
from model_server.errors import GenerationFailed
from model_server.options import SamplingParams, resolve
from model_server.text.token_bytes import TokenBytes
from model_server.transformers.answer_rules import AnswerPlanner, AnswerRules
from model_server.transformers.beam_search import BeamSearch, BeamSearchRequest
from model_server.transformers.choice_reader import ChoiceReader
from model_server.transformers.continuous_batch import ContinuousBatch
from model_server.transformers.kv_cache import PAGE_TOKENS
from model_server.transformers.likelihoods import ScoredToken
from model_server.transformers.lora_layers import LoraLayers
from model_server.transformers.model_loader import LoadedModel
from model_server.transformers.output_router import SequenceState
from model_server.transformers.prompt_tokenizer import PromptTokenizer
from model_server.transformers.request_limits import check_request
from model_server.transformers.sampler import create_sampling
from model_server.transformers.sequence import SequenceRequest
from model_server.transformers.state_inbox import StateInbox


@dataclass(slots=True)
class _Choice:
    """A choice that is being generated."""

    sequence: SequenceRequest
    reader: ChoiceReader
    tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TextGenerator:
    """A loaded model with everything that turns prompts into text."""

    loaded: LoadedModel
    tokenizer: PromptTokenizer
    planner: AnswerPlanner
    token_bytes: TokenBytes
    batch: ContinuousBatch
    layers: LoraLayers
    beam_search: BeamSearch
    context_tokens: int

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
        check_request(prompt, params, self.loaded.vocabulary_size)
        rules = await self.planner.plan(request, prompt, params)
        generate = self._search_beams if params.num_beams > 1 else self._generate_in_batch
        async with aclosing(generate(prompt, params, rules, request)) as deltas:
            async for delta in deltas:
                yield delta

    async def _generate_in_batch(
        self,
        prompt: Sequence[int],
        params: SamplingParams,
        rules: AnswerRules,
        request: GenerationRequest,
    ) -> AsyncGenerator[Delta, None]:
        """One sequence per choice, with deltas as tokens arrive."""
        states = StateInbox()
        choices = [
            _Choice(
                self._create_sequence(index, prompt, params, rules, request),
                self._create_reader(rules, params),
            )
            for index in range(params.choices)
        ]
        running = dict(enumerate(choices))
        # The first choice computes the prompt, and the others find it in the cache.
        shared = self.batch.shares_prefixes and len(prompt) > PAGE_TOKENS
        waiting = list(running)[1:] if params.prompt_logprobs or shared else []
        queued_seconds, first = 0.0, True
        try:
            for index in [each for each in running if each not in waiting]:
                self.batch.add(running[index].sequence, partial(states.put, index))
            while running:
                index, state = await states.get()
                # A stop string ended the choice while another state of it was already queued.
                if index not in running:
                    continue
                if state.error:
                    raise state.error
                while waiting:
                    added = waiting.pop(0)
                    self.batch.add(running[added].sequence, partial(states.put, added))
                queued_seconds = queued_seconds or state.queued_seconds
                delta = self._advance(index, choices[index], state)
                if delta.finish_reason:
                    self.batch.remove(running.pop(index).sequence.id)
                if not running:
                    usage = Usage(
                        prompt_tokens=len(prompt),
                        completion_tokens=sum(choice.tokens for choice in choices),
                        queued_seconds=queued_seconds,
                        cached_tokens=choices[0].sequence.record.cached_tokens,
                        reasoning_tokens=sum(each.reader.reasoning_tokens for each in choices),
                    )
                    delta = replace(delta, usage=usage)
                if first:
                    delta = await self._with_prompt(delta, choices[0].sequence)
                    first = False
                yield delta
        finally:
            for choice in running.values():
                self.batch.remove(choice.sequence.id)

    def _advance(self, index: int, choice: _Choice, state: SequenceState) -> Delta:
        """What a new state of a choice adds to it."""
        params = choice.sequence.sampling.params
        new_tokens = state.tokens[choice.tokens :]
        scored = choice.sequence.record.logprobs[choice.tokens : len(state.tokens)]
        choice.tokens = len(state.tokens)
        ends = () if params.ignore_eos else self.loaded.end_tokens
        reason = _end_reason(state.tokens, ends) if state.finished else None
        parts, reason = choice.reader.add(_without_end(new_tokens, ends), reason)
        return Delta(
            index=index,
            text=parts.text,
            reasoning=parts.reasoning,
            tool_calls=parts.tool_calls,
            token_count=len(new_tokens),
            finish_reason=reason,
            logprobs=tuple(map(self._to_logprob, scored)),
            token_ids=tuple(new_tokens) if params.return_token_ids else (),
        )

    async def _with_prompt(self, delta: Delta, sequence: SequenceRequest) -> Delta:
        """The first delta of an answer, with what concerns the prompt."""
        params = sequence.sampling.params
        if params.prompt_logprobs:
            # A long prompt has many.
            logprobs = await asyncio.to_thread(self._prompt_logprobs, sequence)
            delta = replace(delta, prompt_logprobs=logprobs)
        if params.return_token_ids:
            delta = replace(delta, prompt_token_ids=tuple(sequence.prompt))
        return delta

    def _prompt_logprobs(self, sequence: SequenceRequest) -> tuple[TokenLogprob, ...]:
        first = TokenLogprob(self.token_bytes.likely_token(sequence.prompt[0], None))
        scored = sequence.record.prompt_logprobs
        rest = (self._to_logprob(scored[at]) for at in range(1, len(sequence.prompt)))
        return (first, *rest)

    def _to_logprob(self, scored: ScoredToken) -> TokenLogprob:
        return self.token_bytes.logprob(scored.id, scored.logprob, scored.top)

    def _create_sequence(
        self,
        index: int,
        prompt: Sequence[int],
        params: SamplingParams,
        rules: AnswerRules,
        request: GenerationRequest,
    ) -> SequenceRequest:
        params = params if index == 0 else replace(params, prompt_logprobs=False)
        sampling = create_sampling(
            params,
            index,
            prompt_tokens=len(prompt),
            end_tokens=self.loaded.end_tokens,
            device=self.loaded.model.device,
            constraint=rules.new_constraint(),
        )
        return SequenceRequest(
            id=self.batch.next_id(),
            prompt=prompt,
            sampling=sampling,
            adapter=request.adapter,
            adapter_version=self.layers.version(request.adapter),
            priority=request.priority,
        )

    def _create_reader(self, rules: AnswerRules, params: SamplingParams) -> ChoiceReader:
        decode = partial(self.tokenizer.decode, keep=self.tokenizer.special_tokens(rules.markers))
        return ChoiceReader(decode, params.stop, rules.new_parser(), single_call=rules.single_call)

    async def _search_beams(
        self,
        prompt: Sequence[int],
        params: SamplingParams,
        rules: AnswerRules,
        request: GenerationRequest,
    ) -> AsyncGenerator[Delta, None]:
        """One delta per choice: which beams win is only known at the end."""
        canceled = threading.Event()
        search = BeamSearchRequest(
            prompt=prompt, params=params, adapter=request.adapter, canceled=canceled
        )
        try:
            choices = await asyncio.to_thread(self.beam_search.search, search)
        except Exception as error:
            # Beam search runs one request at a time, so no other answer is affected.
            raise GenerationFailed(f"beam search failed: {error!r}") from error
        finally:
            canceled.set()
        ends = () if params.ignore_eos else self.loaded.end_tokens
        with_ids = params.return_token_ids
        readers = [self._create_reader(rules, params) for _ in choices]
        for index, tokens in enumerate(choices):
            parts, finish_reason = readers[index].add(
                _without_end(tokens, ends), _end_reason(tokens, ends)
            )
            usage = Usage(
                prompt_tokens=len(prompt),
                completion_tokens=sum(map(len, choices)),
                reasoning_tokens=sum(reader.reasoning_tokens for reader in readers),
            )
            yield Delta(
                index=index,
                text=parts.text,
                reasoning=parts.reasoning,
                tool_calls=parts.tool_calls,
                token_count=len(tokens),
                finish_reason=finish_reason,
                usage=usage if index == len(choices) - 1 else None,
                token_ids=tuple(tokens) if with_ids else (),
                prompt_token_ids=tuple(prompt) if with_ids and index == 0 else (),
            )


def _end_reason(tokens: Sequence[int], ends: Sequence[int]) -> FinishReason:
    ended = bool(tokens) and tokens[-1] in ends
    return FinishReason.STOP if ended else FinishReason.LENGTH


def _without_end(tokens: Sequence[int], ends: Sequence[int]) -> Sequence[int]:
    """Not every tokenizer treats the end token as a special token to skip."""
    return tokens[:-1] if tokens and tokens[-1] in ends else tokens
