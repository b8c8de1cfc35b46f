"""An engine of rules instead of weights, for tests of what stands around an engine.

A token is a byte of UTF-8, so characters do come in parts, as they do from real tokenizers. It
can be held still, told to fail, and remembers whose generation was cut short.
"""

import asyncio
import random
from collections.abc import AsyncGenerator

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
from model_server.errors import AdapterInvalid, InferenceError, InvalidRequest, ModelLoadFailed
from model_server.options import Options, Sampling, resolve
from model_server.text import ChoiceText

_WORDS = "sea ship gold fähre naïve 東京 ☂ rum map".split()
_ROLES = ("system", "user", "assistant")
_END = 0


class FakeEngine:
    """`gate` open lets tokens out; closed holds every generation where it is."""

    def __init__(self, *, max_length: int = 2048, fail_start: str | None = None) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.ready = asyncio.Event()
        self.ready.set()
        self.next_error: InferenceError | None = None
        self.cut_short = 0
        self._max_length = max_length
        self._fail_start = fail_start
        self._adapters: set[str] = set()
        self._running = 0
        self._failure: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def start(self) -> Model:
        await self.ready.wait()
        if self._fail_start:
            raise ModelLoadFailed(self._fail_start)
        return Model(
            max_length=self._max_length,
            has_chat_template=True,
            architecture="FakeForCausalLM",
            dtype="float32",
            engine="fake",
            device="cpu",
        )

    async def generate(self, job: Job) -> AsyncGenerator[Piece, None]:
        if error := self.next_error:
            self.next_error = None
            raise error
        prompt = _render(job.prompt).encode()
        sampling = resolve(
            job.options, Options(), prompt_tokens=len(prompt), context=self._max_length
        )
        self._running += 1
        total, done = 0, False
        try:
            for index in range(sampling.choices):
                async for piece in self._choice(index, sampling, f"{job.adapter}{prompt!r}"):
                    total += piece.tokens
                    last = piece.finish is not None and index == sampling.choices - 1
                    usage = Usage(prompt_tokens=len(prompt), completion_tokens=total)
                    done = last
                    yield Piece(
                        index=index,
                        text=piece.text,
                        tokens=piece.tokens,
                        finish=piece.finish,
                        usage=usage if last else None,
                    )
        finally:
            self._running -= 1
            self.cut_short += not done

    async def _choice(
        self, index: int, sampling: Sampling, key: str
    ) -> AsyncGenerator[Piece, None]:
        text = ChoiceText(lambda tokens: bytes(tokens).decode(errors="replace"), sampling.stop)
        for given, token in enumerate(_tokens(index, sampling, key), start=1):
            await self.gate.wait()
            await asyncio.sleep(0)
            finish = FinishReason.LENGTH if given == sampling.max_new_tokens else None
            finish = FinishReason.STOP if token == _END else finish
            new, finish = text.add([] if token == _END else [token], finish)
            yield Piece(index=index, text=new, tokens=1, finish=finish)
            if finish:
                return

    async def tokenize(self, prompt: str | tuple[Message, ...], add_special_tokens: bool) -> Tokens:
        ids = tuple(_render(prompt).encode())
        ids = (1, *ids) if add_special_tokens and isinstance(prompt, str) else ids
        return Tokens(ids, tuple(chr(token) for token in ids))

    async def load_adapter(self, source: AdapterSource) -> AdapterFacts:
        if not (source.path / "adapter_model.safetensors").is_file():
            raise AdapterInvalid(f"{source.path} holds no adapter_model.safetensors")
        self._adapters.add(source.name)
        return AdapterFacts(rank=8, base_model="fake")

    async def unload_adapter(self, name: str) -> None:
        self._adapters.remove(name)

    def occupancy(self) -> Occupancy:
        return Occupancy(running=self._running, waiting=0, kv_used=0.0)

    def fail(self, cause: str) -> None:
        """Break, as an engine does whose loop died."""
        self._failure.set_result(cause)

    async def failure(self) -> str:
        return await asyncio.shield(self._failure)

    async def stop(self) -> None:
        self._failure.cancel()


def _render(prompt: str | tuple[Message, ...]) -> str:
    if isinstance(prompt, str):
        return prompt
    for index, message in enumerate(prompt):
        if message.role not in _ROLES:
            raise InvalidRequest(f"chat.messages[{index}].role", message.role, "is not known")
    return "".join(f"<{message.role}>{message.content}" for message in prompt) + "<assistant>"


def _tokens(index: int, sampling: Sampling, key: str) -> list[int]:
    """Greedy text depends on model and prompt alone, drawn text on the seed as well."""
    if not sampling.do_sample:
        source = random.Random(key)
    elif sampling.seed is None:
        source = random.Random()
    else:
        source = random.Random(f"{key}/{sampling.seed}/{index}")
    words = max(1, sampling.min_new_tokens, min(sampling.max_new_tokens, 64))
    text = " ".join(source.choice(_WORDS) for _ in range(words))
    return [*text.encode()][: sampling.max_new_tokens] + [_END]
