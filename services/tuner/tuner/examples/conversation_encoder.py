"""Turns conversations into examples in which the model learns the assistant's messages."""

from collections.abc import Iterator, Sequence
from typing import Any

from tuner.examples.answer_pairs import TokenizedPair, pair_example, shared_prompt
from tuner.examples.answer_tokens import learn_answers
from tuner.examples.chat_template import ChatTemplate
from tuner.examples.example import Encoded, Example, Note, completion_example
from tuner.examples.length import fit
from tuner.examples.text_tokenizer import TextTokenizer
from tuner.examples.turn_layout import TurnLayouts
from tuner.rows.record import Conversation, Message, Tool
from tuner.rows.row import LossCause, RowFault

# An end mark may be followed by a line break and by the end of the conversation.
_END_TOKENS = 4


class ConversationEncoder:
    """The chat template and the tokenizer of one model.

    A conversation is one example whose labels are its answers. If the template rewrites earlier
    messages, no single example holds the same tokens before each answer as the model will see when
    it is served: then each answer becomes an example of its own.
    """

    def __init__(self, tokenizer: Any, max_length: int | None, learn_all: bool) -> None:
        self._template = ChatTemplate(tokenizer)
        self._control = self._template.control_tokens()
        self._tokenizer = TextTokenizer(tokenizer, self._control)
        self._layouts = TurnLayouts(self._template, self._control)
        self._max_length = max_length
        self._learn_all = learn_all
        self._ignores_tools = self._template.ignores_tools()
        self._ignores_calls = self._template.ignores_tool_calls()

    def encode(self, conversation: Conversation) -> Encoded:
        """The examples of `conversation`.

        Raises:
            RowFault: NO_ANSWER, TEMPLATE or PROMPT_TOO_LONG.
        """
        answers = find_answers(conversation)
        if not answers and not self._learn_all:
            raise RowFault(
                LossCause.NO_ANSWER, "it needs a message of role assistant that answers another"
            )
        notes = set(self._check_tools(conversation))
        messages = conversation.messages
        if not self._learn_all:
            # What follows the last answer teaches nothing.
            messages = messages[: answers[-1] + 1]
        messages, tools = self._marked(messages, conversation.tools, notes)
        examples = self._encode(messages, tools, answers, notes)
        if examples and self._tokenizer.added.keys().isdisjoint(examples[-1].labels[-_END_TOKENS:]):
            notes.add(Note.NO_END_MARK)
        return fit(examples, self._max_length, frozenset(notes))

    def encode_pair(self, chosen: Conversation, rejected: Conversation) -> Encoded:
        """The example of two conversations with the same beginning.

        Raises:
            RowFault: EMPTY, TEMPLATE, SAME_ANSWERS or PROMPT_TOO_LONG.
        """
        notes = {*self._check_tools(chosen), *self._check_tools(rejected)}
        prompt = shared_prompt(chosen.messages, rejected.messages)
        tokens = TokenizedPair(
            self._tokens(prompt, chosen.tools, notes, prompt=True),
            self._tokens(chosen.messages, chosen.tools, notes),
            self._tokens(rejected.messages, rejected.tools, notes),
        )
        if self._tokenizer.added.keys().isdisjoint(tokens.chosen[-_END_TOKENS:]):
            notes.add(Note.NO_END_MARK)
        return pair_example(tokens, self._max_length, frozenset(notes))

    def _tokens(
        self,
        messages: Sequence[Message],
        tools: tuple[Tool, ...],
        notes: set[Note],
        *,
        prompt: bool = False,
    ) -> Sequence[int]:
        """The tokens of `messages`, of which the template leaves out none."""
        messages, tools = self._marked(tuple(messages), tools, notes)
        if not prompt:
            self._layouts.find(messages, tools, ())
        return self._tokenizer.encode(self._template.render(messages, tools, prompt=prompt))

    def _marked(
        self, messages: tuple[Message, ...], tools: tuple[Tool, ...], notes: set[Note]
    ) -> tuple[tuple[Message, ...], tuple[Tool, ...]]:
        """Both with marks around what would become control tokens."""
        if not self._control.stand_in((messages, tools)):
            return messages, tools
        notes.add(Note.CONTROL_TOKENS)
        return tuple(self._control.mark(messages)), tuple(self._control.mark(tools))

    def _check_tools(self, conversation: Conversation) -> Iterator[Note]:
        if self._ignores_calls and any(
            message.get("tool_calls") for message in conversation.messages
        ):
            raise RowFault(
                LossCause.TEMPLATE,
                "it leaves out tool_calls; use a model that calls tools, or set "
                "ModelConfig.chat_template",
            )
        if self._ignores_tools and conversation.tools:
            yield Note.TOOLS_IGNORED

    def _encode(
        self,
        messages: tuple[Message, ...],
        tools: tuple[Tool, ...],
        answers: tuple[int, ...],
        notes: set[Note],
    ) -> list[Example]:
        found = self._layouts.find(messages, tools, () if self._learn_all else answers)
        if self._learn_all:
            ids = self._tokenizer.encode(self._template.render(messages, tools))
            return [Example(ids, ids)]
        if self._tokenizer.has_offsets and found.answers is not None:
            text = self._template.render(messages, tools)
            places = found.layout.locate(text, messages)
            example = places and learn_answers(self._tokenizer, text, places, found.answers)
            if example:
                return [example]
        if len(answers) > 1:
            notes.add(Note.EXPANDED)
        return list(self._expand(messages, tools, answers))

    def _expand(
        self, messages: tuple[Message, ...], tools: tuple[Tool, ...], answers: tuple[int, ...]
    ) -> Iterator[Example]:
        """An example for each answer, with all messages before it."""
        length = 0
        for index in answers:
            # The prompts that follow one which is too long are longer; only the last one is
            # needed, to tell which length would suffice.
            if self._max_length and length > self._max_length and index != answers[-1]:
                continue
            prompt = self._template.render(messages[:index], tools, prompt=True)
            turn = self._template.render(messages[: index + 1], tools)
            example = completion_example(
                self._tokenizer.encode(prompt), self._tokenizer.encode(turn)
            )
            length = len(example.input_ids)
            yield example


def find_answers(conversation: Conversation) -> tuple[int, ...]:
    """The indexes of the messages that the model learns: the assistant's, after another one."""
    return tuple(
        index
        for index, message in enumerate(conversation.messages)
        if index > 0
        and index not in conversation.untrained
        and message["role"] == "assistant"
        and (message.get("content") or message.get("tool_calls"))
    )
