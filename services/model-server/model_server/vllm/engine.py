"""The engine over vLLM's OpenAI server, a container of the pod from its makers' image.

Beyond what the engine over any OpenAI server does: adapters at run time with a strength, log
probabilities and ids of tokens, vectors, and only those features that this server was started with.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from model_server.adapters.adapter_files import digest
from model_server.engine import (
    AdapterInfo,
    AdapterSource,
    ChatMessage,
    Conversation,
    EmbeddingRequest,
    Embeddings,
    GenerationRequest,
    ModelInfo,
    Prompt,
    Tool,
)
from model_server.engine_server.adapter_check import check_adapter
from model_server.engine_server.model_shapes import ModelShapes, read_model_shapes
from model_server.engine_server.vocabulary import FileVocabulary, read_vocabulary
from model_server.errors import (
    AdapterInvalid,
    EngineFailed,
    InferenceError,
    InvalidRequest,
    ModelLoadFailed,
    NotSupported,
)
from model_server.openai_server.answer_parsing import DescribeTokens
from model_server.openai_server.engine import OpenAIServerEngine
from model_server.options import GenerationOptions
from model_server.text.token_bytes import TokenBytes
from model_server.vllm.adapter_copies import AdapterCopies, spell
from model_server.vllm.embeddings import ROUTE as EMBED
from model_server.vllm.embeddings import build_bodies, read_vectors
from model_server.vllm.token_reading import TokenReader

logger = logging.getLogger(__name__)
_COMPLETIONS = "POST /v1/completions"
# What a model answers that neither generates nor embeds.
_POOLING = ("/classify", "/pooling")
_HI = (ChatMessage("user", "Hi"),)
_TOOL = Tool("now", "", {"type": "object", "properties": {}})
# What its command line decides: features, and a request that it refuses without them.
_PROBES: tuple[tuple[frozenset[str], Prompt, int], ...] = (
    (frozenset(("priority",)), "a", 1),
    (frozenset(("chat.tools", "chat.tool_choice")), Conversation(messages=_HI, tools=(_TOOL,)), 0),
)
_TOKEN_FEATURES = frozenset(("options.return_token_ids",))
# These have the texts of tokens, which need the vocabulary.
_LOGPROB_FEATURES = frozenset(
    ("options.logprobs", "options.top_logprobs", "options.prompt_logprobs")
)


class VllmEngine(OpenAIServerEngine):
    """Implements `Engine`, `EmbeddingEngine` and `RelayingEngine` of `model_server.engine`."""

    def __init__(
        self,
        url: str,
        *,
        model: str = "",
        model_path: Path,
        adapters_dir: Path | None,
        report: Callable[[str], None] = logger.info,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`model_path` is the folder that vLLM loads, `adapters_dir` that of `AdapterCopies`."""
        super().__init__(url, model=model, max_context_tokens=None, report=report, sleep=sleep)
        self._model_path = model_path
        self._copies = AdapterCopies(adapters_dir)
        self._shapes = ModelShapes()
        self._vocabulary: FileVocabulary | None = None
        self._token_bytes: TokenBytes | None = None

    async def start(self) -> ModelInfo:
        self._vocabulary = await asyncio.to_thread(read_vocabulary, self._model_path)
        self._token_bytes = TokenBytes(self._vocabulary) if self._vocabulary else None
        self._shapes = await asyncio.to_thread(read_model_shapes, self._model_path)
        model = await super().start()
        await asyncio.to_thread(self._copies.clear)
        await self._unload_all()
        features = set(model.features)
        if "return_token_ids" in self._require_started().capabilities.completion_fields:
            features |= _TOKEN_FEATURES
            features |= _LOGPROB_FEATURES if self._token_bytes else frozenset()
        for probed, prompt, priority in _PROBES:
            if features & probed and not await self._answers(prompt, priority):
                features -= probed
        if EMBED in model.http_routes:
            features.add("embed")
        return replace(
            model,
            architecture=await asyncio.to_thread(_read_architecture, self._model_path),
            has_chat_template=model.has_chat_template
            and await self._answers(Conversation(messages=_HI), 0),
            features=frozenset(features),
        )

    async def load_adapter(self, source: AdapterSource) -> AdapterInfo:
        self._require_started().require_route("POST /v1/load_lora_adapter")
        placed = await asyncio.to_thread(self._copies.place, source)
        try:
            info = await asyncio.to_thread(check_adapter, placed, self._shapes)
            path = str(placed.path)
            if placed is source:
                path = spell(placed.path, await asyncio.to_thread(digest, placed.path))
            await self._load(source.name, path)
        except InferenceError as error:
            await asyncio.to_thread(self._copies.remove, source.name)
            if isinstance(error, EngineFailed):
                raise
            # The copy is nothing that a user knows.
            message = error.message.replace(str(placed.path), str(source.path))
            raise AdapterInvalid(message) from error
        return info

    async def unload_adapter(self, name: str) -> None:
        await self._unload(name)
        await asyncio.to_thread(self._copies.remove, name)

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        started = self._require_started()
        if EMBED not in started.capabilities.routes:
            raise NotSupported(f"this model's engine, {self.version}, embeds no texts")
        model = request.adapter or started.model
        self._running += 1
        try:
            answers = [
                (places, await self._client.post("/v1/embeddings", body, field="inputs"))
                for places, body in build_bodies(request, model)
            ]
        finally:
            self._running -= 1
        return await asyncio.to_thread(read_vectors, answers, request.dimensions)

    async def detokenize(self, token_ids: Sequence[int]) -> str:
        context = self._require_started().context_tokens
        if len(token_ids) > context:
            raise InvalidRequest(
                "token_ids",
                f"{len(token_ids)} tokens",
                f"are more than the {context} that the model's context holds",
            )
        # vLLM leaves out what it does not know.
        if self._vocabulary:
            size = self._vocabulary.size
            for index, token in enumerate(token_ids):
                if token >= size:
                    raise InvalidRequest(
                        f"token_ids[{index}]", token, f"is not in the vocabulary of {size} tokens"
                    )
        return await super().detokenize(token_ids)

    def _token_reader(self, options: GenerationOptions) -> DescribeTokens | None:
        if options.logprobs or options.prompt_logprobs or options.return_token_ids:
            return TokenReader(options, self._token_bytes)
        return None

    async def _generate_test_token(self) -> None:
        started = self._require_started()
        routes = started.capabilities.routes
        pools = next((path for path in _POOLING if f"POST {path}" in routes), None)
        if _COMPLETIONS in routes or (EMBED not in routes and pools is None):
            await super()._generate_test_token()
            return
        # A model that was trained for embeddings or for classes generates nothing.
        try:
            if EMBED in routes or pools is None:
                await self.embed(EmbeddingRequest(inputs=("a",)))
            else:
                body = {"model": started.model, "input": "a"}
                await self._client.post(pools, body, field="inputs")
        except InferenceError as error:
            raise ModelLoadFailed(f"the model does not run: {error.message}") from error

    async def _load(self, name: str, path: str) -> None:
        """Load an adapter, and have it generate a token.

        Raises:
            AdapterInvalid: vLLM refuses it.
            EngineFailed: vLLM does not answer.
        """
        body = {"lora_name": name, "lora_path": path}
        try:
            await self._client.post("/v1/load_lora_adapter", body, field="path")
        except EngineFailed:
            raise
        except InferenceError as error:
            raise AdapterInvalid(f"adapter {name!r}: {error.message}") from error
        if await self._answers("a", 0, adapter=name):
            return
        await self._unload(name)
        raise AdapterInvalid(f"adapter {name!r}: the engine loads it, and generates no token")

    async def _unload(self, name: str) -> None:
        try:
            await self._client.post("/v1/unload_lora_adapter", {"lora_name": name}, field="name")
        except InvalidRequest:
            # vLLM does not know it (any more), which is what was wanted.
            logger.info("the engine had not loaded the adapter", extra={"adapter": name})

    async def _unload_all(self) -> None:
        """Unload what an earlier process of this server loaded: its copies are gone."""
        listed = await self._client.get("/v1/models")
        for entry in listed["data"]:
            if entry.get("parent"):
                await self._unload(str(entry["id"]))

    async def _answers(self, prompt: Prompt, priority: int, adapter: str | None = None) -> bool:
        """Whether vLLM answers such a request.

        Raises:
            EngineFailed: it does not answer at all.
        """
        request = GenerationRequest(
            prompt=prompt,
            options=GenerationOptions(max_new_tokens=1),
            adapter=adapter,
            priority=priority,
        )
        try:
            await self._drain(request)
        except EngineFailed:
            raise
        except InferenceError as error:
            logger.info("the engine refuses a probe: %s", error.log_message)
            return False
        return True


def _read_architecture(folder: Path) -> str:
    """The architecture in a model's config.json; empty if there is none."""
    try:
        return str(json.loads((folder / "config.json").read_text())["architectures"][0])
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError):
        return ""
