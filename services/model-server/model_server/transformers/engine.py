"""The engine over transformers: loads the model and its adapters, and starts the generator."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from importlib.metadata import version

import torch

from model_server import remedies
from model_server.engine import (
    AdapterInfo,
    AdapterSource,
    Delta,
    EmbeddingRequest,
    Embeddings,
    GenerationRequest,
    MemoryUse,
    ModelInfo,
    Prompt,
    SchedulerStats,
    Tokens,
)
from model_server.errors import AdapterInvalid, EngineFailed, GenerationFailed, ModelLoadFailed
from model_server.options import GenerationOptions
from model_server.text.token_bytes import TokenBytes
from model_server.transformers.answer_rules import AnswerPlanner
from model_server.transformers.beam_search import BeamSearch
from model_server.transformers.constraint_compiler import ConstraintCompiler
from model_server.transformers.continuous_batch import ContinuousBatch
from model_server.transformers.forward_lock import serialize_forward_passes
from model_server.transformers.kv_cache import KvCacheBudget, fit_kv_cache
from model_server.transformers.lora import read_lora
from model_server.transformers.lora_layers import LoraLayers
from model_server.transformers.memory import peak_memory
from model_server.transformers.model_loader import LoadedModel, LoadOptions, load_model
from model_server.transformers.prompt_tokenizer import PromptTokenizer
from model_server.transformers.text_embedder import TextEmbedder
from model_server.transformers.text_generator import TextGenerator
from model_server.transformers.vocabulary import HubVocabulary

# What this engine answers beyond the contract's first version.
_FEATURES = frozenset(
    (
        "embed",
        "token_ids",
        "options.min_p",
        "options.frequency_penalty",
        "options.presence_penalty",
        "options.logit_bias",
        "options.ignore_eos",
        "options.logprobs",
        "options.top_logprobs",
        "options.prompt_logprobs",
        "options.return_token_ids",
        "priority",
    )
)


@dataclass(frozen=True, slots=True)
class _Started:
    generator: TextGenerator
    embedder: TextEmbedder
    layers: LoraLayers


class TransformersEngine:
    """Implements `EmbeddingEngine` and `ObservableEngine` of `model_server.engine`."""

    def __init__(
        self, options: LoadOptions, *, threads: int, kv_cache_budget_bytes: Callable[[], int]
    ) -> None:
        """On a CPU, `threads` compute, and `kv_cache_budget_bytes` limits the KV cache.

        The budget is read once the weights are loaded.
        """
        self._options = options
        self._threads = threads
        self._kv_cache_budget_bytes = kv_cache_budget_bytes
        self._started: _Started | None = None
        self._load_thread = ThreadPoolExecutor(1, "load")

    async def start(self) -> ModelInfo:
        torch.set_num_threads(self._threads)
        loop = asyncio.get_running_loop()
        loaded = await loop.run_in_executor(self._load_thread, load_model, self._options)
        # First, because the batch runs the model in its own thread.
        layers = LoraLayers(loaded.model, serialize_forward_passes(loaded.model))
        budget = self._kv_cache_budget(loaded)
        batch = ContinuousBatch(loaded, layers, budget.pages if budget else None)
        try:
            capacity_tokens = await batch.start()
        except (MemoryError, ValueError, RuntimeError) as error:
            raise ModelLoadFailed(
                f"the KV cache does not fit beside the model: {error}; lower "
                f"{remedies.MAX_MODEL_LEN}, or use a GPU with more memory"
            ) from error
        context_tokens = (
            budget.context_tokens if budget else min(loaded.context_tokens, capacity_tokens)
        )
        tokenizer = PromptTokenizer(loaded.tokenizer, context_tokens)
        generator = TextGenerator(
            loaded=loaded,
            tokenizer=tokenizer,
            planner=_create_planner(loaded, tokenizer),
            token_bytes=TokenBytes(HubVocabulary(loaded.tokenizer)),
            batch=batch,
            layers=layers,
            beam_search=BeamSearch(loaded, layers),
            context_tokens=context_tokens,
        )
        embedder = TextEmbedder(
            loaded=loaded,
            tokenizer=tokenizer,
            batch=batch,
            layers=layers,
            context_tokens=context_tokens,
        )
        self._started = _Started(generator, embedder, layers)
        try:
            await self._generate_test_token()
        except (EngineFailed, GenerationFailed) as error:
            raise ModelLoadFailed(f"the model does not run: {error.message}") from error
        return _describe(generator)

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[Delta, None]:
        async with aclosing(self._require_started().generator.generate(request)) as deltas:
            async for delta in deltas:
                yield delta

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        return await self._require_started().embedder.embed(request)

    async def tokenize(self, prompt: Prompt, add_special_tokens: bool) -> Tokens:
        tokenizer = self._require_started().generator.tokenizer
        return await tokenizer.to_tokens(await tokenizer.encode(prompt, add_special_tokens))

    async def detokenize(self, token_ids: Sequence[int]) -> str:
        return await self._require_started().generator.tokenizer.to_text(token_ids)

    async def load_adapter(self, source: AdapterSource) -> AdapterInfo:
        layers = self._require_started().layers

        def load() -> AdapterInfo:
            try:
                adapter = read_lora(source, layers.shapes)
                layers.add(source.name, adapter)
            except AdapterInvalid:
                raise
            except Exception as error:
                # Whatever is wrong with one adapter, the model and its other adapters still serve.
                layers.remove(source.name)
                raise AdapterInvalid(
                    f"adapter {source.name!r} in {source.path} does not load: {error!r}"
                ) from error
            return adapter.info

        info = await asyncio.get_running_loop().run_in_executor(self._load_thread, load)
        try:
            await self._generate_test_token(source.name)
        except GenerationFailed as error:
            layers.remove(source.name)
            raise AdapterInvalid(
                f"adapter {source.name!r}: the model generates no token with it: {error.message}"
            ) from error
        return info

    async def unload_adapter(self, name: str) -> None:
        self._require_started().layers.remove(name)

    def scheduler_stats(self) -> SchedulerStats:
        if self._started is None:
            return SchedulerStats(running=0, waiting=0, kv_cache_usage=0.0)
        return self._started.generator.batch.scheduler_stats()

    def memory_use(self) -> MemoryUse:
        return peak_memory()

    async def failure(self) -> str:
        return await self._require_started().generator.batch.failure()

    async def stop(self) -> None:
        if self._started is not None:
            await self._started.generator.batch.stop()
            await self._started.generator.tokenizer.close()
            await self._started.generator.planner.close()
        self._load_thread.shutdown(wait=False, cancel_futures=True)

    def _require_started(self) -> _Started:
        if self._started is None:
            raise EngineFailed("the model is not loaded")
        return self._started

    def _kv_cache_budget(self, loaded: LoadedModel) -> KvCacheBudget | None:
        """None on a GPU, where transformers sizes the cache itself."""
        if loaded.model.device.type == "cuda":
            return None
        return fit_kv_cache(
            loaded.dimensions,
            context_tokens=loaded.context_tokens,
            requested_tokens=self._options.max_context_tokens,
            budget_bytes=self._kv_cache_budget_bytes(),
        )

    async def _generate_test_token(self, adapter: str | None = None) -> None:
        """Generate one token: what does not run must not become ready.

        Raises:
            GenerationFailed: the model computes no token.
            EngineFailed: the engine broke.
        """
        options = GenerationOptions(max_new_tokens=1, num_beams=1)
        request = GenerationRequest(prompt="a", options=options, adapter=adapter)
        async with aclosing(self.generate(request)) as deltas:
            async for _ in deltas:
                pass


def _create_planner(loaded: LoadedModel, tokenizer: PromptTokenizer) -> AnswerPlanner:
    template = tokenizer.chat_template
    return AnswerPlanner(
        loaded.tokenizer,
        template.abilities.call_format if template else None,
        ConstraintCompiler.create(loaded.tokenizer, loaded.vocabulary_size, loaded.end_tokens),
        loaded.end_tokens,
    )


def _describe(generator: TextGenerator) -> ModelInfo:
    model = generator.loaded.model
    on_gpu = model.device.type == "cuda"
    return ModelInfo(
        max_length=generator.context_tokens,
        has_chat_template=generator.tokenizer.has_chat_template,
        architecture=type(model).__name__,
        dtype=str(model.dtype).removeprefix("torch."),
        engine=f"transformers {version('transformers')}",
        device=torch.cuda.get_device_name() if on_gpu else "cpu",
        features=_FEATURES | generator.tokenizer.features | generator.planner.features,
    )
