"""From prompts and conversations to tokens, with the model's tokenizer and chat template."""

from collections.abc import Sequence
from typing import Any

from jinja2 import TemplateError

from model_server.engine import Message, Tokens
from model_server.errors import InvalidRequest

# Roles that a template may put anything around, or leave parts of out (old reasoning).
_ALWAYS_KNOWN = ("user", "assistant")


class Prompts:
    """One model's way to read and to write. Not for two threads at once."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    @property
    def has_chat_template(self) -> bool:
        """Whether conversations can be read."""
        return self._tokenizer.chat_template is not None

    def encode(
        self, prompt: str | tuple[Message, ...], add_special_tokens: bool = True
    ) -> list[int]:
        """The prompt's tokens. A conversation brings its marks by its template."""
        if isinstance(prompt, str):
            text, special = prompt, add_special_tokens
        else:
            text, special = self._render(prompt), False
        return list(self._tokenizer(text, add_special_tokens=special)["input_ids"])

    def decode(self, tokens: Sequence[int]) -> str:
        """The tokens' text, without special tokens."""
        return str(
            self._tokenizer.decode(
                tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )

    def name(self, ids: Sequence[int]) -> Tokens:
        """The tokens with their strings in the vocabulary."""
        return Tokens(tuple(ids), tuple(self._tokenizer.convert_ids_to_tokens(list(ids))))

    def _render(self, messages: tuple[Message, ...]) -> str:
        if not self.has_chat_template:
            raise InvalidRequest(
                "chat", f"{len(messages)} messages", "the model has no chat template; set prompt"
            )
        turns = [{"role": message.role, "content": message.content} for message in messages]
        try:
            text = str(
                self._tokenizer.apply_chat_template(
                    turns, tokenize=False, add_generation_prompt=True
                )
            )
        except TemplateError as error:
            raise InvalidRequest(
                "chat.messages",
                [message.role for message in messages],
                f"the model's chat template refuses them: {error}",
            ) from error
        for index, message in enumerate(messages):
            # Most templates pass over a role they do not know without a word.
            if message.role not in _ALWAYS_KNOWN and message.content.strip() not in text:
                raise InvalidRequest(
                    f"chat.messages[{index}].role",
                    message.role,
                    "the model's chat template does not know this role",
                )
        return text
