"""Turns prompts and conversations into tokens, and tokens into text."""

import asyncio
import json
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from model_server.engine import Conversation, Prompt, TokenIds, Tokens
from model_server.errors import InvalidRequest
from model_server.transformers.chat_template import ChatTemplate
from model_server.transformers.conversation_size import conversation_bytes
from model_server.transformers.prompt_limit import longest_token_bytes
from model_server.transformers.tokenizer_process import TokenizerProcess

# Tokenizing this much takes a fraction of a second even if it is a single word. Longer prompts are
# tokenized apart, so that no short one waits for them.
_SHORT_BYTES = 32 * 2**10
# The strings of more tokens are looked up in a thread: a million would take most of a second.
_SHORT_TOKENS = 4096
Text = str | Conversation


class PromptTokenizer:
    """The tokenizer and the chat template of one model."""

    def __init__(self, tokenizer: Any, context_tokens: int) -> None:
        self._tokenizer = tokenizer
        self._context_tokens = context_tokens
        self._special = {
            token for token, each in tokenizer.added_tokens_decoder.items() if each.special
        }
        self.chat_template = ChatTemplate(tokenizer) if tokenizer.chat_template else None
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
        # Python tokenizers cannot be sent to another process; they only get their own thread.
        self._process = TokenizerProcess(description) if description else None

    @property
    def has_chat_template(self) -> bool:
        """Whether conversations can be encoded."""
        return self.chat_template is not None

    @property
    def features(self) -> frozenset[str]:
        """The fields of the contract that this model's chat template can render."""
        return self.chat_template.features if self.chat_template else frozenset()

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
            size_bytes = conversation_bytes(prompt)
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

    def decode(self, tokens: Sequence[int], keep: Collection[int] = ()) -> str:
        """The text of the tokens, without special tokens but for those to `keep`."""
        if keep:
            tokens = [each for each in tokens if each not in self._special or each in keep]
        return str(
            self._tokenizer.decode(
                tokens, skip_special_tokens=not keep, clean_up_tokenization_spaces=False
            )
        )

    def special_tokens(self, texts: Sequence[str]) -> frozenset[int]:
        """The ids of those texts that are special tokens."""
        added = self._tokenizer.get_added_vocab()
        return frozenset(added[text] for text in texts if added.get(text) in self._special)

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
        if self.chat_template is None:
            raise InvalidRequest(
                "chat",
                f"{len(prompt.messages)} messages",
                "the model has no chat template; send a prompt instead",
            )
        return self.chat_template.render(prompt), False
