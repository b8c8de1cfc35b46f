"""Compiles what an answer has to match, off the event loop, and keeps what was compiled."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from llguidance import LLMatcher, LLParserLimits, LLTokenizer
from llguidance.hf import from_tokenizer
from transformers import PreTrainedTokenizerFast

from model_server.constraints.grammar import MAX_BYTES, Grammar, grammar_text
from model_server.errors import InvalidRequest

# A compiled grammar takes some 100 KiB to a few MiB.
_KEPT = 64
# The library's own limits, of which all but one bound the time of a step, written down because
# requests depend on them. Without its state: errors reach the client and the log.
_LIMITS = LLParserLimits(
    initial_lexer_fuel=1_000_000,
    step_lexer_fuel=200_000,
    step_max_items=50_000,
    max_lexer_states=50_000,
    max_grammar_size=500_000,
    verbose_errors=False,
)


class ConstraintCompiler:
    """Makes matchers for one vocabulary."""

    def __init__(self, tokenizer: LLTokenizer) -> None:
        self._tokenizer = tokenizer
        # One: it keeps the interpreter's lock to itself for as little as possible, but not at all.
        self._thread = ThreadPoolExecutor(1, "compile-grammar")
        self._compiled: OrderedDict[bytes, LLMatcher | str] = OrderedDict()

    @classmethod
    def create(
        cls, tokenizer: Any, vocabulary: int, end_tokens: Sequence[int]
    ) -> "ConstraintCompiler | None":
        """None for a tokenizer in Python, or without an end of sequence: answers never end."""
        if not isinstance(tokenizer, PreTrainedTokenizerFast) or not end_tokens:
            return None
        return cls(from_tokenizer(tokenizer, n_vocab=vocabulary, eos_token=list(end_tokens)))

    def is_special(self, token: int) -> bool:
        """Whether only the token itself matches it in a grammar, not its text."""
        return bool(self._tokenizer.is_special_token(token))

    async def matcher(self, grammars: Sequence[dict[str, Any]]) -> LLMatcher | str:
        """A matcher at the beginning of an answer, or what is wrong with the grammars."""
        text = grammar_text(grammars)
        key = hashlib.sha256(text.encode()).digest()
        if key not in self._compiled:
            loop = asyncio.get_running_loop()
            compiled = await loop.run_in_executor(self._thread, self._compile, text)
            self._compiled[key] = compiled
            while len(self._compiled) > _KEPT:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end(key)
        compiled = self._compiled[key]
        return compiled if isinstance(compiled, str) else compiled.deep_copy()

    async def check(self, grammar: Grammar) -> None:
        """Check one part of a request by itself, so that a fault is named.

        Raises:
            InvalidRequest: the grammar cannot be honored.
        """
        if problem := await self.problem(grammar):
            raise InvalidRequest(grammar.field, grammar.value, problem)

    async def problem(self, grammar: Grammar) -> str:
        """Why the grammar cannot be honored; empty if it can."""
        size_bytes = len(grammar.text)
        if size_bytes > MAX_BYTES:
            return f"has {size_bytes} bytes as JSON; shorten it to at most {MAX_BYTES} bytes"
        matcher = await self.matcher([grammar.definition])
        return f"cannot be honored: {matcher}" if isinstance(matcher, str) else ""

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _compile(self, text: str) -> LLMatcher | str:
        matcher = LLMatcher(self._tokenizer, text, log_level=0, limits=_LIMITS)
        # Some limits are only reached by the first tokens.
        trial = matcher.deep_copy()
        for _ in range(2):
            mask = trial.compute_logit_bias()
            if trial.is_error():
                return describe_error(trial)
            if trial.is_stopped():
                break
            trial.consume_token(next(token for token, allowed in enumerate(mask) if allowed))
        return matcher


def describe_error(matcher: LLMatcher) -> str:
    """What the library says is wrong, in one line."""
    return " ".join(str(matcher.get_error()).replace("<non-verbose/>", "").split())
