"""An engine of rules instead of weights, for tests of everything around an engine.

A token is one byte of UTF-8, so characters arrive in parts, as they do from real tokenizers. A test
can pause it and make it fail; it counts the generations that were canceled.
"""

import asyncio
import json
import math
import random
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any

from model_server.engine import (
    AdapterInfo,
    AdapterSource,
    Delta,
    EmbeddingRequest,
    Embeddings,
    FinishReason,
    GenerationRequest,
    LikelyToken,
    ModelInfo,
    Prompt,
    SchedulerStats,
    TokenIds,
    TokenLogprob,
    Tokens,
    Usage,
)
from model_server.errors import AdapterInvalid, InferenceError, InvalidRequest, ModelLoadFailed
from model_server.options import GenerationOptions, SamplingParams, resolve
from model_server.text.detokenizer import ChoiceDetokenizer

_WORDS = "sea ship gold fähre naïve 東京 ☂ rum map".split()
_ROLES = ("system", "user", "assistant")
_END = 0
_DIMENSIONS = 16
_FEATURES = frozenset(
    (
        "embed",
        "token_ids",
        "options.logprobs",
        "options.top_logprobs",
        "options.prompt_logprobs",
        "options.return_token_ids",
    )
)


class FakeEngine:
    """Generates tokens while `gate` is set, and starts once `ready` is set."""

    def __init__(self, *, max_length: int = 2048, fail_start: str | None = None) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.ready = asyncio.Event()
        self.ready.set()
        self.next_error: InferenceError | None = None
        self.canceled = 0
        self._max_length = max_length
        self._fail_start = fail_start
        self._adapters: set[str] = set()
        self._running = 0
        self._failure: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def start(self) -> ModelInfo:
        await self.ready.wait()
        if self._fail_start:
            raise ModelLoadFailed(self._fail_start)
        return ModelInfo(
            max_length=self._max_length,
            has_chat_template=True,
            architecture="FakeForCausalLM",
            dtype="float32",
            engine="fake",
            device="cpu",
            features=_FEATURES,
        )

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[Delta, None]:
        if error := self.next_error:
            self.next_error = None
            raise error
        prompt = _render(request.prompt).encode()
        params = resolve(
            request.options,
            GenerationOptions(),
            prompt_tokens=len(prompt),
            context_tokens=self._max_length,
        )
        self._running += 1
        total, done = 0, False
        first = _about_prompt(prompt, params)
        try:
            for index in range(params.choices):
                key = f"{request.adapter}{prompt!r}"
                async for delta in self._generate_choice(index, params, key):
                    delta, first = replace(delta, **first), {}
                    total += delta.token_count
                    last = delta.finish_reason is not None and index == params.choices - 1
                    usage = Usage(prompt_tokens=len(prompt), completion_tokens=total)
                    done = last
                    yield replace(delta, usage=usage if last else None)
        finally:
            self._running -= 1
            self.canceled += not done

    async def _generate_choice(
        self, index: int, params: SamplingParams, key: str
    ) -> AsyncGenerator[Delta, None]:
        text = ChoiceDetokenizer(lambda tokens: bytes(tokens).decode(errors="replace"), params.stop)
        for count, token in enumerate(_tokens(index, params, key), start=1):
            await self.gate.wait()
            await asyncio.sleep(0)
            reason = FinishReason.LENGTH if count == params.max_new_tokens else None
            reason = FinishReason.STOP if token == _END else reason
            new, reason = text.add([] if token == _END else [token], reason)
            yield Delta(
                index=index,
                text=new,
                token_count=1,
                finish_reason=reason,
                logprobs=(_logprob(token, params.top_logprobs),) if params.logprobs else (),
                token_ids=(token,) if params.return_token_ids else (),
            )
            if reason:
                return

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        """The shares of sixteen kinds of bytes, which depend on the adapter as well."""
        if (request.dimensions or 0) > _DIMENSIONS:
            raise InvalidRequest("dimensions", request.dimensions, f"at most {_DIMENSIONS}")
        await self.gate.wait()
        vectors, tokens = [], 0
        for index, each in enumerate(request.inputs):
            content = _render(each).encode()
            if len(content) > self._max_length and not request.truncate:
                raise InvalidRequest(f"inputs[{index}]", f"{len(content)} tokens", "is too long")
            content = content[: self._max_length]
            tokens += len(content)
            kinds = Counter((byte + len(request.adapter or "")) % _DIMENSIONS for byte in content)
            vector = [1.0 + kinds[kind] for kind in range(request.dimensions or _DIMENSIONS)]
            vectors.append(tuple(number / math.hypot(*vector) for number in vector))
        return Embeddings(tuple(vectors), tokens)

    async def tokenize(self, prompt: Prompt, add_special_tokens: bool) -> Tokens:
        ids = tuple(_render(prompt).encode())
        ids = (1, *ids) if add_special_tokens and isinstance(prompt, str) else ids
        return Tokens(ids, tuple(chr(token) for token in ids))

    async def detokenize(self, token_ids: Sequence[int]) -> str:
        if len(token_ids) > self._max_length:
            raise InvalidRequest("token_ids", f"{len(token_ids)} tokens", "are too many")
        for index, token in enumerate(token_ids):
            if token > 255:
                raise InvalidRequest(f"token_ids[{index}]", token, "is not in the vocabulary")
        return bytes(token_ids).decode(errors="replace")

    async def load_adapter(self, source: AdapterSource) -> AdapterInfo:
        if not (source.path / "adapter_model.safetensors").is_file():
            raise AdapterInvalid(f"{source.path} holds no adapter_model.safetensors")
        config = json.loads((source.path / "adapter_config.json").read_text())
        self._adapters.add(source.name)
        return AdapterInfo(rank=8, base_model=config["base_model_name_or_path"])

    async def unload_adapter(self, name: str) -> None:
        self._adapters.remove(name)

    def scheduler_stats(self) -> SchedulerStats:
        return SchedulerStats(running=self._running, waiting=0, kv_cache_usage=0.0)

    def fail(self, cause: str) -> None:
        """Break like an engine whose generation loop ended."""
        self._failure.set_result(cause)

    async def failure(self) -> str:
        return await asyncio.shield(self._failure)

    async def stop(self) -> None:
        self._failure.cancel()


def _about_prompt(prompt: bytes, params: SamplingParams) -> dict[str, Any]:
    """The fields of an answer's first delta that concern the prompt."""
    logprobs = [_logprob(token, params.top_logprobs) for token in prompt]
    first = TokenLogprob(replace(logprobs[0].token, logprob=None))
    return {
        "prompt_logprobs": (first, *logprobs[1:]) if params.prompt_logprobs else (),
        "prompt_token_ids": tuple(prompt) if params.return_token_ids else (),
    }


def _logprob(token: int, top: int) -> TokenLogprob:
    """A token that is likelier than all others; each next one is e times less likely."""

    def likely(place: int) -> LikelyToken:
        other = (token + place) % 256
        raw = b"" if other == _END else bytes((other,))
        return LikelyToken(other, raw.decode(errors="replace"), raw, -0.5 - place)

    return TokenLogprob(likely(0), tuple(likely(place) for place in range(top)))


def _render(prompt: Prompt) -> str:
    if isinstance(prompt, str):
        return prompt
    if isinstance(prompt, TokenIds):
        return bytes(prompt.ids).decode(errors="replace")
    for index, message in enumerate(prompt.messages):
        if message.role not in _ROLES:
            raise InvalidRequest(f"chat.messages[{index}].role", message.role, "is unknown")
    return (
        "".join(f"<{message.role}>{message.content}" for message in prompt.messages) + "<assistant>"
    )


def _tokens(index: int, params: SamplingParams, key: str) -> list[int]:
    """Greedy text depends on model and prompt alone, sampled text also on the seed."""
    if not params.do_sample:
        source = random.Random(key)
    elif params.seed is None:
        source = random.Random()
    else:
        source = random.Random(f"{key}/{params.seed}/{index}")
    words = max(1, params.min_new_tokens, min(params.max_new_tokens, 64))
    text = " ".join(source.choice(_WORDS) for _ in range(words))
    return [*text.encode()][: params.max_new_tokens] + [_END]
