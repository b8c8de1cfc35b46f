"""What the answer to one request has to match, and how it is read."""

import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llguidance import LLMatcher

from model_server.constraints.call_grammar import call_grammar
from model_server.constraints.grammar import Grammar, arguments_schema, json_schema
from model_server.engine import Conversation, GenerationRequest, Tool, ToolMode
from model_server.errors import InvalidRequest
from model_server.options import SamplingParams
from model_server.tool_calls.answer_parser import AnswerParser
from model_server.tool_calls.call_format import CallFormat
from model_server.tool_calls.call_parser import CallParser
from model_server.tool_calls.reasoning import (
    REASONING_MARKERS,
    ReasoningMarkers,
    ReasoningParser,
    ReasoningState,
)
from model_server.transformers.chat_template import callable_tools
from model_server.transformers.constraint_compiler import ConstraintCompiler
from model_server.transformers.token_constraint import ThinkingTokens, TokenConstraint

_ANY_OBJECT = {"type": "object"}
_ID_CHARACTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Thinking:
    """How a model marks what it thinks."""

    markers: ReasoningMarkers
    tokens: ThinkingTokens


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRules:
    """The rules of one request. Each choice gets a constraint and a parser of its own."""

    end_tokens: Sequence[int]
    matcher: LLMatcher | None = None
    thinking: Thinking | None = None
    state: ReasoningState = ReasoningState.ANSWERING
    call_format: CallFormat | None = None
    names: frozenset[str] = frozenset()
    single_call: bool = False

    @property
    def markers(self) -> tuple[str, ...]:
        """What the parser needs to see although it may be special tokens."""
        thinking = self.thinking
        return (
            *(self.call_format.markers if self.call_format else ()),
            *((thinking.markers.open, thinking.markers.close) if thinking else ()),
        )

    def new_constraint(self) -> TokenConstraint | None:
        """The constraint of one choice, at its beginning."""
        if self.matcher is None:
            return None
        tokens = self.thinking.tokens if self.thinking else None
        return TokenConstraint(self.matcher.deep_copy(), self.end_tokens, tokens, self.state)

    def new_parser(self) -> AnswerParser:
        """The parser of one choice, at its beginning."""
        reasoning, calls = None, None
        if self.thinking:
            reasoning = ReasoningParser(self.thinking.markers, self.state)
        if self.call_format:
            calls = CallParser(
                self.call_format,
                self.names,
                constrained=self.matcher is not None,
                new_id=_new_id,
            )
        return AnswerParser(reasoning, calls)


class AnswerPlanner:
    """Makes the rules of requests to one model."""

    def __init__(
        self,
        tokenizer: Any,
        call_format: CallFormat | None,
        compiler: ConstraintCompiler | None,
        end_tokens: Sequence[int],
    ) -> None:
        self._tokenizer = tokenizer
        self._vocabulary: dict[str, int] = tokenizer.get_added_vocab()
        self._call_format = call_format
        self._compiler = compiler
        self._end_tokens = end_tokens
        self._thinking = _find_thinking(self._vocabulary)

    async def close(self) -> None:
        """End the compiler."""
        if self._compiler:
            await self._compiler.close()

    @property
    def features(self) -> frozenset[str]:
        """The fields of the contract that need a grammar."""
        return frozenset(("structured_output",) if self._compiler else ())

    async def plan(
        self, request: GenerationRequest, prompt: Sequence[int], params: SamplingParams
    ) -> AnswerRules:
        """The rules of a request whose prompt has these tokens.

        Raises:
            InvalidRequest: a schema or grammar cannot be honored.
        """
        conversation = request.prompt if isinstance(request.prompt, Conversation) else None
        tools = callable_tools(conversation) if conversation else ()
        grammars = await self._grammars(request, conversation, params)
        matcher = None
        if grammars and self._compiler:
            compiled = await self._compiler.matcher(grammars)
            if isinstance(compiled, str):
                raise InvalidRequest(
                    "chat.tools" if tools else "structured_output",
                    [tool.name for tool in tools],
                    f"cannot be honored: {compiled}",
                )
            matcher = compiled
        if conversation is None:
            return AnswerRules(end_tokens=self._end_tokens, matcher=matcher)
        return AnswerRules(
            end_tokens=self._end_tokens,
            matcher=matcher,
            thinking=self._thinking,
            state=self._reasoning_state(conversation, prompt),
            call_format=self._call_format if tools else None,
            names=frozenset(tool.name for tool in tools),
            single_call=conversation.tool_choice.single_call,
        )

    async def _grammars(
        self,
        request: GenerationRequest,
        conversation: Conversation | None,
        params: SamplingParams,
    ) -> list[dict[str, Any]]:
        """What the answer has to match; empty if it may be anything."""
        output = request.structured_output
        tools = callable_tools(conversation) if conversation else ()
        required = bool(conversation and conversation.tool_choice.mode is ToolMode.REQUIRED)
        must = (output is not None) or bool(tools and (required or any(t.strict for t in tools)))
        free = params.num_beams > 1 or params.ignore_eos
        if must and free:
            _reject_free(params)
        if self._compiler is None:
            if must:
                raise InvalidRequest(
                    "chat.tool_choice" if tools else "structured_output",
                    "set",
                    "the model's tokenizer is written in Python and follows no grammar",
                )
            return []
        answer = await self._compiler.structured(output) if output else None
        if free:
            return []
        if not tools:
            return [answer.definition] if answer else []
        assert conversation
        assert self._call_format
        return call_grammar(
            self._call_format,
            [
                (tool.name, await self._arguments(conversation.tools.index(tool), tool))
                for tool in tools
            ],
            answer,
            required=required,
            single=conversation.tool_choice.single_call,
            special=self._special_token,
        )

    async def _arguments(self, index: int, tool: Tool) -> Grammar:
        """The arguments of a tool: by its schema, which only a strict tool insists on."""
        assert self._compiler
        where = f"chat.tools[{index}].parameters"
        try:
            grammar = json_schema(where, arguments_schema(tool.parameters))
            await self._compiler.check(grammar)
        except InvalidRequest:
            if tool.strict:
                raise
            return json_schema(where, _ANY_OBJECT)
        return grammar

    def _special_token(self, text: str) -> int | None:
        token = self._vocabulary.get(text)
        special = token is not None and self._compiler and self._compiler.is_special(token)
        return token if special else None

    def _reasoning_state(self, conversation: Conversation, prompt: Sequence[int]) -> ReasoningState:
        """Where the answer begins: templates may open or close the reasoning themselves."""
        if self._thinking is None:
            return ReasoningState.ANSWERING
        if conversation.continue_final_message:
            content = conversation.messages[-1].content
            markers = self._thinking.markers
            is_open = content.rfind(markers.open) > content.rfind(markers.close)
            return ReasoningState.THINKING if is_open else ReasoningState.ANSWERING
        for token in reversed(prompt):
            if token == self._thinking.tokens.open:
                return ReasoningState.THINKING
            if token == self._thinking.tokens.close:
                return ReasoningState.ANSWERING
            if str(self._tokenizer.decode([token])).strip():
                break
        return ReasoningState.UNDECIDED


def _reject_free(params: SamplingParams) -> None:
    """Reject the option that lets no answer follow a grammar."""
    problem = "allows neither structured output nor required or strict tools; "
    if params.num_beams > 1:
        raise InvalidRequest("options.num_beams", params.num_beams, f"{problem}set it to 1")
    raise InvalidRequest("options.ignore_eos", params.ignore_eos, f"{problem}leave it out")


def _find_thinking(vocabulary: dict[str, int]) -> Thinking | None:
    for markers in REASONING_MARKERS:
        opened, closed = vocabulary.get(markers.open), vocabulary.get(markers.close)
        if opened is not None and closed is not None:
            return Thinking(markers, ThinkingTokens(opened, closed))
    return None


def _new_id() -> str:
    """Nine letters and digits: what templates of Mistral insist on."""
    return "".join(secrets.choice(_ID_CHARACTERS) for _ in range(9))
