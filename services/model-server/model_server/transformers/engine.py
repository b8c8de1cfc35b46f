"""The engine: loads a model, batches its jobs, and applies adapters to each job of a batch."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from itertools import count
from typing import Any

import torch

from model_server.engine import (
    AdapterFacts,
    AdapterSource,
    FinishReason,
    Job,
    Message,
    Model,
    Occupancy,
    Piece,
    Tokens,
    Usage,
)
from model_server.errors import EngineFailed, ModelLoadFailed
from model_server.options import Options, Sampling, resolve
from model_server.text import ChoiceText
from model_server.transformers.batching import Batching, Progress, Track
from model_server.transformers.beams import BeamJob, Beams
from model_server.transformers.load import Loaded, LoadOptions, read_model
from model_server.transformers.lora import read_lora
from model_server.transformers.lora_layers import LoraLayers
from model_server.transformers.memory import Room, plan
from model_server.transformers.prompts import Prompts
from model_server.transformers.sampler import make_rules
from model_server.transformers.turns import take_turns


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What there is once the model is loaded."""

    loaded: Loaded
    prompts: Prompts
    layers: LoraLayers
    batching: Batching
    beams: Beams
    context: int


class TransformersEngine:
    """Implements `model_server.engine.Engine`."""

    def __init__(
        self, options: LoadOptions, *, threads: int, cache_budget: Callable[[], int]
    ) -> None:
        """On a CPU `threads` do the arithmetic, and `cache_budget` says how many bytes the KV
        cache may have once the weights are loaded."""
        self._options = options
        self._threads = threads
        self._cache_budget = cache_budget
        self._names = count()
        self._parts: _Parts | None = None
        # Tokenizers are not for two threads at once, and a long prompt would hold up the loop.
        self._reader = ThreadPoolExecutor(1, "tokenize")
        self._loader = ThreadPoolExecutor(1, "load")

    async def start(self) -> Model:
        torch.set_num_threads(self._threads)
        loop = asyncio.get_running_loop()
        loaded = await loop.run_in_executor(self._loader, read_model, self._options)
        take_turns(loaded.model)
        layers = LoraLayers(loaded.model)
        room = self._room(loaded)
        batching = Batching(loaded, layers, room.pages if room else None)
        try:
            capacity = await batching.start()
        except (MemoryError, ValueError, RuntimeError) as error:
            raise ModelLoadFailed(
                f"the KV cache does not fit beside the model: {error}; lower KAITO_MAX_MODEL_LEN "
                "or use a GPU with more memory"
            ) from error
        self._parts = _Parts(
            loaded=loaded,
            prompts=Prompts(loaded.tokenizer),
            layers=layers,
            batching=batching,
            beams=Beams(loaded, layers),
            context=room.context if room else min(loaded.context, capacity),
        )
        await self._prove()
        return self._describe(self._parts)

    async def generate(self, job: Job) -> AsyncGenerator[Piece, None]:
        parts = self._ready()
        prompt = await self._read(parts.prompts.encode, job.prompt)
        sampling = resolve(
            job.options,
            parts.loaded.defaults,
            prompt_tokens=len(prompt),
            context=parts.context,
        )
        way = self._beam_search if sampling.num_beams > 1 else self._batched
        async with aclosing(way(parts, prompt, sampling, job.adapter)) as pieces:
            async for piece in pieces:
                yield piece

    async def tokenize(self, prompt: str | tuple[Message, ...], add_special_tokens: bool) -> Tokens:
        prompts = self._ready().prompts
        return prompts.name(await self._read(prompts.encode, prompt, add_special_tokens))

    async def load_adapter(self, source: AdapterSource) -> AdapterFacts:
        layers = self._ready().layers

        def load() -> AdapterFacts:
            lora = read_lora(source, layers.shapes)
            layers.add(source.name, lora)
            return lora.facts

        return await asyncio.get_running_loop().run_in_executor(self._loader, load)

    async def unload_adapter(self, name: str) -> None:
        self._ready().layers.remove(name)

    def occupancy(self) -> Occupancy:
        if self._parts is None:
            return Occupancy(running=0, waiting=0, kv_used=0.0)
        return self._parts.batching.occupancy()

    async def failure(self) -> str:
        return await self._ready().batching.failure()

    async def stop(self) -> None:
        if self._parts is not None:
            await self._parts.batching.stop()
        self._reader.shutdown(wait=False, cancel_futures=True)
        self._loader.shutdown(wait=False, cancel_futures=True)

    def _ready(self) -> _Parts:
        if self._parts is None:
            raise EngineFailed("the model is not loaded")
        return self._parts

    def _room(self, loaded: Loaded) -> Room | None:
        if loaded.model.device.type == "cuda":
            return None
        return plan(
            loaded.geometry,
            context=loaded.context,
            wanted=self._options.context,
            budget=self._cache_budget(),
        )

    async def _prove(self) -> None:
        """Make one token: a model that cannot run must not be called ready."""
        job = Job(prompt="a", options=Options(max_new_tokens=1, num_beams=1))
        try:
            async with aclosing(self.generate(job)) as pieces:
                async for _ in pieces:
                    pass
        except EngineFailed as error:
            raise ModelLoadFailed(f"the model does not run: {error.message}") from error

    def _describe(self, parts: _Parts) -> Model:
        model = parts.loaded.model
        on_gpu = model.device.type == "cuda"
        return Model(
            max_length=parts.context,
            has_chat_template=parts.prompts.has_chat_template,
            architecture=type(model).__name__,
            dtype=str(model.dtype).removeprefix("torch."),
            engine=f"transformers {version('transformers')}",
            device=torch.cuda.get_device_name() if on_gpu else "cpu",
        )

    async def _read(self, encode: Any, *arguments: Any) -> list[int]:
        loop = asyncio.get_running_loop()
        tokens: list[int] = await loop.run_in_executor(self._reader, encode, *arguments)
        return tokens

    async def _batched(
        self, parts: _Parts, prompt: Sequence[int], sampling: Sampling, adapter: str | None
    ) -> AsyncGenerator[Piece, None]:
        """One sequence for each choice, told piece by piece as they come."""
        news: asyncio.Queue[tuple[int, Progress]] = asyncio.Queue()
        texts = [ChoiceText(parts.prompts.decode, sampling.stop) for _ in range(sampling.choices)]
        given = [0] * sampling.choices
        names = {index: f"{next(self._names)}" for index in range(sampling.choices)}
        queued = 0.0
        try:
            for index, name in names.items():
                rules = make_rules(
                    sampling,
                    index,
                    prompt_tokens=len(prompt),
                    ends=parts.loaded.end_tokens,
                    device=parts.loaded.model.device,
                )
                parts.batching.add(
                    Track(name=name, prompt=prompt, rules=rules, adapter=adapter),
                    partial(_tell, news, index),
                )
            while names:
                index, progress = await news.get()
                if index not in names:
                    continue
                if progress.error:
                    raise EngineFailed(f"the model broke down: {progress.error}")
                new = progress.tokens[given[index] :]
                given[index] = len(progress.tokens)
                queued = queued or progress.queued_seconds
                finish = self._finish(parts, progress)
                text, finish = texts[index].add(self._spoken(parts, new), finish)
                if finish:
                    parts.batching.drop(names.pop(index))
                usage = Usage(
                    prompt_tokens=len(prompt),
                    completion_tokens=sum(given),
                    queued_seconds=queued,
                )
                yield Piece(
                    index=index,
                    text=text,
                    tokens=len(new),
                    finish=finish,
                    usage=None if names else usage,
                )
        finally:
            for name in names.values():
                parts.batching.drop(name)

    async def _beam_search(
        self, parts: _Parts, prompt: Sequence[int], sampling: Sampling, adapter: str | None
    ) -> AsyncGenerator[Piece, None]:
        """Beams are settled only at the end, so each choice is one piece."""
        cancelled = threading.Event()
        job = BeamJob(prompt=prompt, sampling=sampling, adapter=adapter, cancelled=cancelled)
        try:
            found = await asyncio.to_thread(parts.beams.search, job)
        except (RuntimeError, ValueError) as error:
            raise EngineFailed(f"the model broke down: {error}") from error
        finally:
            cancelled.set()
        for index, tokens in enumerate(found):
            ended = bool(tokens) and tokens[-1] in parts.loaded.end_tokens
            reason = FinishReason.STOP if ended else FinishReason.LENGTH
            text, finish = ChoiceText(parts.prompts.decode, sampling.stop).add(
                self._spoken(parts, tokens), reason
            )
            usage = Usage(prompt_tokens=len(prompt), completion_tokens=sum(map(len, found)))
            last = index == len(found) - 1
            yield Piece(
                index=index,
                text=text,
                tokens=len(tokens),
                finish=finish,
                usage=usage if last else None,
            )

    @staticmethod
    def _finish(parts: _Parts, progress: Progress) -> FinishReason | None:
        if not progress.finished:
            return None
        ended = progress.tokens and progress.tokens[-1] in parts.loaded.end_tokens
        return FinishReason.STOP if ended else FinishReason.LENGTH

    @staticmethod
    def _spoken(parts: _Parts, tokens: Sequence[int]) -> Sequence[int]:
        """Without the end token, which not every tokenizer knows to leave out."""
        return tokens[:-1] if tokens and tokens[-1] in parts.loaded.end_tokens else tokens


def _tell(news: "asyncio.Queue[tuple[int, Progress]]", index: int, progress: Progress) -> None:
    news.put_nowait((index, progress))
