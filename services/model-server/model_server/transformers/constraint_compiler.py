"""Compiles what an answer has to match, off the event loop, and keeps what was compiled."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import replace
from typing import Any

from llguidance import LLMatcher, LLTokenizer
from llguidance.hf import from_tokenizer
from transformers import PreTrainedTokenizerFast

from model_server.constraints.compilation import compile_grammar
from model_server.constraints.gbnf import is_lark
from model_server.constraints.grammar import (
    MAX_BYTES,
    Grammar,
    check_length,
    grammar_text,
    structured,
)
from model_server.engine import StructuredOutput
from model_server.errors import InvalidRequest
from model_server.transformers.grammar_process import GrammarProcess

# A compiled grammar takes some 100 KiB to a few MiB.
_KEPT = 64


class ConstraintCompiler:
    """Makes matchers for one vocabulary."""

    def __init__(self, tokenizer: LLTokenizer, process: GrammarProcess) -> None:
        self._tokenizer = tokenizer
        self._process = process
        self._turn = asyncio.Lock()
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
        backend = copy(tokenizer.backend_tokenizer)
        backend.no_padding()
        backend.no_truncation()
        return cls(
            from_tokenizer(tokenizer, n_vocab=vocabulary, eos_token=list(end_tokens)),
            GrammarProcess(backend.to_str(), vocabulary, end_tokens),
        )

    def is_special(self, token: int) -> bool:
        """Whether only the token itself matches it in a grammar, not its text."""
        return bool(self._tokenizer.is_special_token(token))

    async def matcher(self, grammars: Sequence[dict[str, Any]]) -> LLMatcher | str:
        """A matcher at the beginning of an answer, or what is wrong with the grammars."""
        text = grammar_text(grammars)
        key = hashlib.sha256(text.encode()).digest()
        if key not in self._compiled:
            async with self._turn:
                # Another request may have compiled it meanwhile.
                self._compiled[key] = self._compiled.get(key) or await self._compile(text)
            while len(self._compiled) > _KEPT:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end(key)
        compiled = self._compiled[key]
        return compiled if isinstance(compiled, str) else compiled.deep_copy()

    async def structured(self, output: StructuredOutput) -> Grammar:
        """What the text of an answer has to match.

        Raises:
            InvalidRequest: it cannot be honored.
        """
        check_length(output)
        if output.grammar and not is_lark(output.grammar):
            async with self._turn:
                lark, problem = await self._process.to_lark(output.grammar)
            if problem:
                raise InvalidRequest("structured_output.grammar", output.grammar, problem)
            output = replace(output, grammar=lark)
        grammar = structured(output)
        await self.check(grammar)
        return grammar

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

    async def close(self) -> None:
        """End the process and the thread."""
        await self._process.close()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _compile(self, text: str) -> LLMatcher | str:
        if problem := await self._process.find_problem(text):
            return problem
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, compile_grammar, self._tokenizer, text)
