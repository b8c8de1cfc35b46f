"""Renders conversations and counts tokens, which the server does."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from model_server.engine import ChatMessage, Conversation, Prompt, TokenIds, Tokens
from model_server.engine_server.client import EngineClient
from model_server.engine_server.unreadable import UNREADABLE
from model_server.errors import (
    EngineFailed,
    GenerationFailed,
    InferenceError,
    InvalidRequest,
    ModelLoadFailed,
)
from model_server.text_generation_server.prompts import (
    ServerPrompt,
    SpecialTokens,
    find_special_tokens,
    read_chat,
    read_tokens,
    without_special_tokens,
)
from model_server.text_generation_server.request_bodies import build_chat

logger = logging.getLogger(__name__)
_HI = Conversation(messages=(ChatMessage("user", "Hi"),))


class PromptRenderer:
    """The prompts of one server. It knows the server's special tokens once it has started."""

    def __init__(self, client: EngineClient) -> None:
        self._client = client
        self._special = SpecialTokens()

    async def start(self) -> None:
        """Find out what the server adds to every text.

        Raises:
            ModelLoadFailed: the server counts no tokens.
        """
        try:
            answer = await self._post("a")
            with _reading("/tokenize"):
                self._special = find_special_tokens(answer)
        except InferenceError as error:
            raise ModelLoadFailed(f"the engine counts no tokens: {error.message}") from error

    async def render(self, prompt: Prompt) -> ServerPrompt:
        """The text of a prompt.

        Raises:
            InvalidRequest: the server cannot render it.
            GenerationFailed: its answer has another form.
        """
        if isinstance(prompt, TokenIds):
            raise InvalidRequest(
                "token_ids", "set", "this model's engine takes text only; set prompt or chat"
            )
        if isinstance(prompt, str):
            return ServerPrompt(prompt)
        body = build_chat(prompt)
        answer = await self._client.post("/chat_tokenize", body, field="chat.messages")
        with _reading("/chat_tokenize"):
            return read_chat(answer, self._special)

    async def tokens(self, prompt: ServerPrompt) -> Tokens:
        """The tokens that the server generates from.

        Raises:
            GenerationFailed: its answer has another form.
        """
        if prompt.tokens is not None:
            return prompt.tokens
        answer = await self._post(prompt.text)
        with _reading("/tokenize"):
            return read_tokens(answer)

    async def tokenize(self, prompt: Prompt, add_special_tokens: bool) -> Tokens:
        """As `Engine.tokenize`."""
        tokens = await self.tokens(await self.render(prompt))
        if add_special_tokens or isinstance(prompt, Conversation):
            return tokens
        return without_special_tokens(tokens, self._special)

    async def has_chat_template(self) -> bool:
        """Whether the server renders conversations."""
        try:
            await self.render(_HI)
        except EngineFailed:
            raise
        except InferenceError as error:
            logger.info("the engine renders no conversation: %s", error.log_message)
            return False
        return True

    async def _post(self, text: str) -> Sequence[Mapping[str, Any]]:
        tokens: Sequence[Mapping[str, Any]] = await self._client.post(
            "/tokenize", {"inputs": text}, field="input"
        )
        return tokens


@contextmanager
def _reading(path: str) -> Iterator[None]:
    """A server may break its API in any way."""
    try:
        yield
    except UNREADABLE as cause:
        raise GenerationFailed(
            f"the engine's answer at {path} is not that of a text-generation-server: {cause!r}"
        ) from cause
