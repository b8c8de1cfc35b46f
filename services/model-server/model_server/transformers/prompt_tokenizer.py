"""Turns prompts and conversations into tokens, and tokens into text."""

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from jinja2 import TemplateError

from model_server.engine import ChatMessage, Conversation, Prompt, TokenIds, Tokens
from model_server.errors import InvalidRequest
from model_server.transformers.prompt_limit import longest_token_bytes
from model_server.transformers.tokenizer_process import TokenizerProcess

# Tokenizing this much takes a fraction of a second even if it is a single word. Longer prompts are
# tokenized apart, so that no short one waits for them.
_SHORT_BYTES = 32 * 2**10
# The strings of more tokens are looked up in a thread: a million would take most of a second.
_SHORT_TOKENS = 4096

# A template is the model's own program over a client's text, and fails in any of Python's ways.
_TEMPLATE_ERRORS = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
# Conversations whose turns are known to be rendered or not, by their roles.
_REMEMBERED_CONVERSATIONS = 256


Text = str | Conversation


class PromptTokenizer:
    """The tokenizer and the chat template of one model."""

    def __init__(self, tokenizer: Any, context_tokens: int) -> None:
        self._tokenizer = tokenizer
        self._context_tokens = context_tokens
        # Tokenizers are not thread-safe, and would block the event loop. A prompt that still waits
        # when its client leaves is dropped from either queue.
        self._thread = ThreadPoolExecutor(1, "tokenize")
        self._long_thread = ThreadPoolExecutor(1, "tokenize-long")
        self._long_turn = asyncio.Lock()
        backend = getattr(tokenizer, "backend_tokenizer", None)
        description = backend.to_str() if backend is not None else None
        self._longest_token_bytes = (
            longest_token_bytes(json.loads(description)) if description else None
        )
        self._find_dropped_turn = lru_cache(_REMEMBERED_CONVERSATIONS)(self._look_for_dropped_turn)
        # Python tokenizers cannot be sent to another process; they only get their own thread.
        self._process = TokenizerProcess(description) if description else None

    @property
    def has_chat_template(self) -> bool:
        """Whether conversations can be encoded."""
        return self._tokenizer.chat_template is not None

    async def encode(self, prompt: Prompt, add_special_tokens: bool = True) -> list[int]:
        """The prompt's tokens. A conversation gets its special tokens from the chat template.

        Canceling the call ends the work, unless the prompt is short.

        Raises:
            InvalidRequest: the chat template rejects the conversation, or it is too long.
            GenerationFailed: the process that tokenizes long prompts ended.
        """
        if isinstance(prompt, TokenIds):
            self._check_ids(prompt.ids, "token_ids.ids")
            return list(prompt.ids)
        size_bytes = self._check_size(prompt)
        loop = asyncio.get_running_loop()
        if size_bytes <= _SHORT_BYTES:
            return await loop.run_in_executor(
                self._thread, self._encode, prompt, add_special_tokens
            )
        async with self._long_turn:
            text, special = await loop.run_in_executor(
                self._long_thread, self._to_text, prompt, add_special_tokens
            )
            if self._process is not None:
                return await self._process.encode(text, special)
            return await loop.run_in_executor(self._long_thread, self._encode_text, text, special)

    def _check_size(self, prompt: Text) -> int:
        """The size of the prompt in bytes.

        Raises:
            InvalidRequest: so long a prompt cannot fit into the context.
        """
        if isinstance(prompt, str):
            field, size_bytes = "prompt", len(prompt.encode())
        else:
            field = "chat.messages"
            if len(prompt.messages) > self._context_tokens:
                raise InvalidRequest(
                    field,
                    f"{len(prompt.messages)} messages",
                    f"every message takes a token, and the model's context holds "
                    f"{self._context_tokens} tokens; shorten the conversation",
                )
            # With a byte per message for what the template adds: rendering takes time as well.
            size_bytes = sum(len(message.content.encode()) + 1 for message in prompt.messages)
        longest = self._longest_token_bytes
        if longest is not None and size_bytes > longest * self._context_tokens:
            raise InvalidRequest(
                field,
                f"{size_bytes} bytes",
                f"the model's context holds {self._context_tokens} tokens, and no token stands for "
                f"more than {longest} bytes; shorten the prompt to at most "
                f"{longest * self._context_tokens} bytes",
            )
        return size_bytes

    def shorten(self, text: str) -> str:
        """The beginning of a text: more of it cannot fit into the context."""
        if self._longest_token_bytes is None:
            return text
        end = self._longest_token_bytes * self._context_tokens
        return text.encode()[:end].decode(errors="ignore")

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of the tokens, without special tokens."""
        return str(
            self._tokenizer.decode(
                tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )

    async def to_tokens(self, ids: Sequence[int]) -> Tokens:
        """The ids with their strings in the vocabulary."""

        def look_up() -> Tokens:
            return Tokens(tuple(ids), tuple(self._tokenizer.convert_ids_to_tokens(list(ids))))

        if len(ids) <= _SHORT_TOKENS:
            return look_up()
        return await asyncio.get_running_loop().run_in_executor(self._long_thread, look_up)

    async def to_text(self, ids: Sequence[int]) -> str:
        """The text of the ids, with that of special tokens.

        Raises:
            InvalidRequest: an id is not in the vocabulary, or the context holds fewer tokens.
        """

        def decode() -> str:
            self._check_ids(ids, "token_ids")
            return str(
                self._tokenizer.decode(
                    list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False
                )
            )

        if len(ids) <= _SHORT_TOKENS:
            return decode()
        return await asyncio.get_running_loop().run_in_executor(self._long_thread, decode)

    def _check_ids(self, ids: Sequence[int], field: str) -> None:
        if len(ids) > self._context_tokens:
            raise InvalidRequest(
                field,
                f"{len(ids)} tokens",
                f"the model's context holds {self._context_tokens} tokens; send fewer",
            )
        # A tokenizer leaves out an id that it does not know, without a word.
        for index, token_id in enumerate(ids):
            try:
                known = self._tokenizer.convert_ids_to_tokens(token_id) is not None
            except (LookupError, OverflowError):
                known = False
            if not known:
                raise InvalidRequest(f"{field}[{index}]", token_id, "is not in the vocabulary")

    async def close(self) -> None:
        """End the threads and the process. Prompts that still wait are dropped."""
        for thread in (self._thread, self._long_thread):
            thread.shutdown(wait=False, cancel_futures=True)
        if self._process is not None:
            await self._process.close()

    def _encode(self, prompt: Text, add_special_tokens: bool) -> list[int]:
        return self._encode_text(*self._to_text(prompt, add_special_tokens))

    def _encode_text(self, text: str, add_special_tokens: bool) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=add_special_tokens)["input_ids"])

    def _to_text(self, prompt: Text, add_special_tokens: bool) -> tuple[str, bool]:
        """The text, and whether it still needs special tokens: a chat template writes its own."""
        if isinstance(prompt, str):
            return prompt, add_special_tokens
        return self._render(prompt.messages), False

    def _render(self, messages: tuple[ChatMessage, ...]) -> str:
        if not self.has_chat_template:
            raise InvalidRequest(
                "chat",
                f"{len(messages)} messages",
                "the model has no chat template; send a prompt instead",
            )
        try:
            text = self._apply_template([(message.role, message.content) for message in messages])
        except _TEMPLATE_ERRORS as error:
            raise InvalidRequest(
                "chat.messages",
                [message.role for message in messages],
                f"the model's chat template rejects them: {error}",
            ) from error
        dropped = self._find_dropped_turn(tuple(message.role for message in messages))
        if dropped is not None:
            raise InvalidRequest(
                f"chat.messages[{dropped}].role",
                messages[dropped].role,
                "the model's chat template leaves messages of this role out",
            )
        return text

    def _look_for_dropped_turn(self, roles: tuple[str, ...]) -> int | None:
        """The first turn that the template leaves out: most skip roles that they do not know.

        Looks for markers in place of the contents. A content itself may stand elsewhere in the
        text, and templates may rewrite it (cut earlier reasoning, parse JSON).
        """
        markers = [f"zqx{index}xqz" for index in range(len(roles))]
        try:
            text = self._apply_template(list(zip(roles, markers, strict=True))).casefold()
        except _TEMPLATE_ERRORS:
            # The template wants more of a content than text; whether it knows the role is open.
            return None
        return next((index for index, each in enumerate(markers) if each not in text), None)

    def _apply_template(self, turns: Sequence[tuple[str, str]]) -> str:
        """The text of turns of role and content."""
        return str(
            self._tokenizer.apply_chat_template(
                [{"role": role, "content": content} for role, content in turns],
                tokenize=False,
                add_generation_prompt=True,
            )
        )
