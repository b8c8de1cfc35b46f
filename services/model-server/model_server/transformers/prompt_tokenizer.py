"""Turns prompts and conversations into tokens, and tokens into text."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from jinja2 import TemplateError

from model_server.engine import ChatMessage, Tokens
from model_server.errors import InvalidRequest

# Roles that every template knows. Templates may rewrite their messages, or leave parts of them out
# (earlier reasoning), so their text is not looked for.
_STANDARD_ROLES = ("user", "assistant")


class PromptTokenizer:
    """The tokenizer and the chat template of one model."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        # Tokenizers are not thread-safe, and a long prompt would block the event loop.
        self._thread = ThreadPoolExecutor(1, "tokenize")

    @property
    def has_chat_template(self) -> bool:
        """Whether conversations can be encoded."""
        return self._tokenizer.chat_template is not None

    async def encode(
        self, prompt: str | tuple[ChatMessage, ...], add_special_tokens: bool = True
    ) -> list[int]:
        """The prompt's tokens. A conversation gets its special tokens from the chat template.

        Raises:
            InvalidRequest: the chat template rejects the conversation.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._encode, prompt, add_special_tokens)

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of the tokens, without special tokens."""
        return str(
            self._tokenizer.decode(
                tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )

    def to_tokens(self, ids: Sequence[int]) -> Tokens:
        """The ids with their strings in the vocabulary."""
        return Tokens(tuple(ids), tuple(self._tokenizer.convert_ids_to_tokens(list(ids))))

    def close(self) -> None:
        """End the thread. Prompts that still wait are dropped."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _encode(self, prompt: str | tuple[ChatMessage, ...], add_special_tokens: bool) -> list[int]:
        if isinstance(prompt, str):
            text, special = prompt, add_special_tokens
        else:
            # The template writes the special tokens itself.
            text, special = self._render(prompt), False
        return list(self._tokenizer(text, add_special_tokens=special)["input_ids"])

    def _render(self, messages: tuple[ChatMessage, ...]) -> str:
        if not self.has_chat_template:
            raise InvalidRequest(
                "chat", f"{len(messages)} messages", "the model has no chat template; set prompt"
            )
        contents = [{"role": message.role, "content": message.content} for message in messages]
        try:
            text = str(
                self._tokenizer.apply_chat_template(
                    contents, tokenize=False, add_generation_prompt=True
                )
            )
        except TemplateError as error:
            raise InvalidRequest(
                "chat.messages",
                [message.role for message in messages],
                f"the model's chat template rejects them: {error}",
            ) from error
        for index, message in enumerate(messages):
            # Most templates silently skip a message whose role they do not know.
            if message.role not in _STANDARD_ROLES and message.content.strip() not in text:
                raise InvalidRequest(
                    f"chat.messages[{index}].role",
                    message.role,
                    "the model's chat template does not know this role",
                )
        return text
