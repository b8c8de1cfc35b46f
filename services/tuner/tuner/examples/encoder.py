"""Turns records into tokenized examples."""

import hashlib
import json
from importlib.metadata import version
from typing import Any

from tuner.config.errors import config_invalid
from tuner.examples.answer_pairs import TokenizedPair, pair_example, shared_text
from tuner.examples.conversation_encoder import ConversationEncoder
from tuner.examples.example import Encoded, completion_example
from tuner.examples.length import fit, split_into_windows
from tuner.rows.record import Completion, Conversation, Lesson, Preference, Record, Text
from tuner.rows.row import LossCause, RowFault

# Raised when the same records become other examples, so that no prepared ones are used again.
_VERSION = 2


class Encoder:
    """Encodes for one model.

    Args:
        tokenizer: of transformers; with a chat template, prompts and completions go through it.
        max_length: the most tokens of an example; None for no limit.
        learn_all: the model learns all tokens, not only the answers.
    """

    def __init__(self, tokenizer: Any, max_length: int | None, learn_all: bool = False) -> None:
        self.max_length = max_length
        self._tokenizer = tokenizer
        self._learn_all = learn_all
        self._conversations = (
            ConversationEncoder(tokenizer, max_length, learn_all)
            if tokenizer.chat_template is not None
            else None
        )

    @property
    def has_chat_template(self) -> bool:
        """Whether conversations can be encoded."""
        return self._conversations is not None

    @property
    def fingerprint(self) -> str:
        """A digest of everything that examples depend on, except for the records."""
        backend = getattr(self._tokenizer, "backend_tokenizer", None)
        parts = [
            _VERSION,
            version("transformers"),
            version("tokenizers"),
            backend.to_str() if backend is not None else repr(self._tokenizer),
            self._tokenizer.chat_template,
            self._tokenizer.special_tokens_map,
            self.max_length,
            self._learn_all,
        ]
        return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()

    def encode(self, record: Record) -> Encoded:
        """The examples of `record`.

        Raises:
            RowFault: NO_ANSWER, EMPTY, TEMPLATE, SAME_ANSWERS or PROMPT_TOO_LONG, there are none.
            RunError: CONFIG_INVALID, it is a conversation, and the model has no chat template.
        """
        if isinstance(record, Preference):
            return self._encode_preference(record)
        if isinstance(record, Text):
            return self._encode_text(record.text)
        if isinstance(record, Completion) and self._conversations is None:
            return self._encode_completion(record)
        return self._conversation_encoder().encode(_as_conversation(record))

    def _conversation_encoder(self) -> ConversationEncoder:
        if self._conversations is None:
            raise config_invalid(
                "the data holds conversations, but the model has no chat template; set "
                "ModelConfig.chat_template, or use columns prompt and completion"
            )
        return self._conversations

    def _encode_preference(self, record: Preference) -> Encoded:
        chosen, rejected = record.chosen, record.rejected
        if isinstance(chosen, Text) and isinstance(rejected, Text):
            prompt = shared_text(chosen.text, rejected.text)
            return self._encode_texts(prompt, chosen.text, rejected.text)
        if (
            self._conversations is None
            and isinstance(chosen, Completion)
            and isinstance(rejected, Completion)
        ):
            prompt = chosen.prompt
            return self._encode_texts(
                prompt, prompt + chosen.completion, prompt + rejected.completion
            )
        return self._conversation_encoder().encode_pair(
            _as_conversation(chosen), _as_conversation(rejected)
        )

    def _encode_texts(self, prompt: str, chosen: str, rejected: str) -> Encoded:
        ends = (self._tokenize(self._with_end(text)) for text in (chosen, rejected))
        return pair_example(TokenizedPair(self._tokenize(prompt), *ends), self.max_length)

    def _encode_text(self, text: str) -> Encoded:
        """Windows of the text. Control tokens in it stay: it may be rendered by a template."""
        ids = self._tokenize(self._with_end(text))
        examples = tuple(split_into_windows(ids, self.max_length))
        if not examples:
            raise RowFault(LossCause.EMPTY, "the text is a single token")
        return Encoded(examples)

    def _encode_completion(self, record: Completion) -> Encoded:
        prompt = self._tokenize(record.prompt)
        ids = self._tokenize(self._with_end(record.prompt + record.completion))
        example = completion_example([] if self._learn_all else prompt, ids)
        return fit([example], self.max_length)

    def _tokenize(self, text: str) -> list[int]:
        """The ids of `text` with the tokens that begin a text, unless it has them already."""
        begin = self._tokenizer.bos_token
        special = not (begin and text.startswith(begin))
        return list(self._tokenizer(text, add_special_tokens=special, verbose=False)["input_ids"])

    def _with_end(self, text: str) -> str:
        """`text` with the token that ends it, as a template writes one for conversations."""
        end = self._tokenizer.eos_token or ""
        return text if text.endswith(end) else text + end


def _as_conversation(lesson: Lesson) -> Conversation:
    """A question and its answer are a conversation where the model has a chat template."""
    if isinstance(lesson, Conversation):
        return lesson
    assert isinstance(lesson, Completion), "a text is no conversation"
    return Conversation(
        (
            {"role": "user", "content": lesson.prompt},
            {"role": "assistant", "content": lesson.completion},
        )
    )
