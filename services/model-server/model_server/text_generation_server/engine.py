"""The engine over Hugging Face's text-generation-server, another container of the pod.

It speaks the server's own contract, `/generate_stream` and its kin. The server is archived, so its
published OpenAPI document is what the tests hold every request to.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

from model_server.engine import (
    AdapterInfo,
    AdapterSource,
    Delta,
    GenerationRequest,
    ModelInfo,
    Prompt,
    Tokens,
)
from model_server.engine_server.adapter_check import check_adapter
from model_server.engine_server.answer_limit import AnswerLimiter
from model_server.engine_server.client import EngineClient
from model_server.engine_server.engine import ServerEngine
from model_server.engine_server.model_shapes import ModelShapes, read_model_shapes
from model_server.engine_server.vocabulary import read_vocabulary
from model_server.errors import (
    AdapterInvalid,
    EngineFailed,
    InferenceError,
    NotSupported,
)
from model_server.text.token_bytes import TokenBytes
from model_server.text_generation_server import rejections
from model_server.text_generation_server.adapter_probe import build_probe, is_same_model
from model_server.text_generation_server.answer_parsing import ChoiceParser
from model_server.text_generation_server.choices import join_choices
from model_server.text_generation_server.prompt_renderer import PromptRenderer
from model_server.text_generation_server.prompts import ServerPrompt
from model_server.text_generation_server.request_bodies import build_body
from model_server.text_generation_server.server_info import ServerInfo, parse_info

logger = logging.getLogger(__name__)
_FEATURES = frozenset(
    ("structured_output", "options.frequency_penalty", "options.return_token_ids")
)
# These have the texts of tokens, which need the vocabulary.
_LOGPROB_FEATURES = frozenset(("options.logprobs", "options.top_logprobs"))


class TextGenerationServerEngine(ServerEngine):
    """Implements `model_server.engine.Engine`."""

    def __init__(
        self,
        url: str,
        *,
        model_path: Path,
        report: Callable[[str], None] = logger.info,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`model_path` is the folder of the model, where this container sees it."""
        super().__init__(EngineClient(url, rejections.of_response), report=report, sleep=sleep)
        self._model_path = model_path
        self._shapes = ModelShapes()
        self._token_bytes: TokenBytes | None = None
        self._prompts = PromptRenderer(self._client)
        self._info: ServerInfo | None = None

    async def start(self) -> ModelInfo:
        vocabulary = await asyncio.to_thread(read_vocabulary, self._model_path)
        self._token_bytes = TokenBytes(vocabulary) if vocabulary else None
        self._shapes = await asyncio.to_thread(read_model_shapes, self._model_path)
        await self._wait_for_server()
        info = parse_info(await self._client.get("/info"))
        await self._prompts.start()
        self._info = info
        await self._generate_test_token()
        return ModelInfo(
            max_length=info.max_total_tokens,
            has_chat_template=await self._prompts.has_chat_template(),
            architecture="",
            dtype=info.dtype,
            engine=info.engine,
            device=info.device,
            features=_FEATURES | (_LOGPROB_FEATURES if self._token_bytes else frozenset()),
            model_id=info.model_id,
        )

    async def _attempt(self, request: GenerationRequest) -> AsyncGenerator[Delta, None]:
        stops = self._require_info().max_stop_sequences
        prompt = await self._prompts.render(request.prompt)
        choices = [
            self._choice(
                index,
                build_body(request, prompt.text, choice=index, max_stop_strings=stops),
                request,
                prompt,
            )
            for index in range(request.options.num_return_sequences or 1)
        ]
        first: dict[str, Any] = {}
        if request.options.return_token_ids:
            first["prompt_token_ids"] = (await self._prompts.tokens(prompt)).ids
        async with aclosing(join_choices(choices)) as deltas:
            async for delta in deltas:
                yield replace(delta, **first) if first else delta
                first = {}

    async def _choice(
        self, index: int, body: Mapping[str, Any], request: GenerationRequest, prompt: ServerPrompt
    ) -> AsyncGenerator[Delta, None]:
        # What the server says of a grammar names no field; what it says of other fields does.
        field = "structured_output" if request.structured_output else "input"
        describe = self._token_bytes.logprob if self._token_bytes else None
        parser = ChoiceParser(index, request.options, describe, field=field)
        async with aclosing(self._client.stream("/generate_stream", body, field=field)) as events:
            async for event in events:
                if delta := parser.parse(event):
                    yield delta
                # The server ends its work when the connection is closed.
                if parser.is_done:
                    break
        if parser.prompt_tokens is None:
            yield parser.end(len((await self._prompts.tokens(prompt)).ids))
        else:
            yield parser.end(parser.prompt_tokens)

    async def tokenize(self, prompt: Prompt, add_special_tokens: bool) -> Tokens:
        return await self._prompts.tokenize(prompt, add_special_tokens)

    async def detokenize(self, token_ids: Sequence[int]) -> str:
        engine = self._require_info().engine
        raise NotSupported(f"this model's engine, {engine}, gives no text of tokens")

    async def load_adapter(self, source: AdapterSource) -> AdapterInfo:
        if source.strength != 1:
            raise AdapterInvalid(
                f"adapter {source.name!r}: this model's engine applies adapters as a whole; set "
                f"the strength to 1 in place of {source.strength:g}"
            )
        info = await asyncio.to_thread(check_adapter, source, self._shapes)
        try:
            base = await self._client.post("/generate", build_probe(None), field="model")
            own = await self._client.post("/generate", build_probe(source.name), field="name")
        except EngineFailed:
            raise
        except InferenceError as error:
            raise AdapterInvalid(f"adapter {source.name!r}: {error.message}") from error
        if is_same_model(base, own):
            raise AdapterInvalid(
                f"adapter {source.name!r}: this model's engine loads no adapters while it runs, "
                f"and answers as without this one; start it with LORA_ADAPTERS="
                f"{source.name}={source.path}"
            )
        return info

    async def unload_adapter(self, name: str) -> None:
        """Requests cannot name it any more; the server keeps what it was started with."""

    async def _check_health(self) -> None:
        if not await self._client.has("/health"):
            raise EngineFailed("GET /health of the engine is not there")

    def _limiter(self) -> AnswerLimiter:
        info = self._require_info()
        return AnswerLimiter(
            info.max_total_tokens, self._count_tokens, max_prompt_tokens=info.max_input_tokens
        )

    async def _count_tokens(self, prompt: Prompt) -> int:
        return len((await self._prompts.tokenize(prompt, add_special_tokens=True)).ids)

    def _require_info(self) -> ServerInfo:
        if self._info is None:
            raise EngineFailed("the engine's server has not answered yet")
        return self._info
