"""What is learned from conversations, against examples that have one answer each."""

import re
from typing import Any

import pytest
from jinja2 import TemplateError

from tests.tuner.examples import templates
from tests.tuner.examples.expansion import Learned, learned_by, learned_by_expansion
from tests.tuner.examples.tokenizers import KINDS, tokenizer
from tuner.data.record import Conversation
from tuner.data.row import RowFault
from tuner.examples.conversation_encoder import ConversationEncoder

Message = dict[str, Any]


def talk(*contents: str, system: str = "") -> list[Message]:
    """A conversation of `contents`, of the user and the assistant in turn."""
    roles = ("user", "assistant")
    messages = [{"role": roles[k % 2], "content": text} for k, text in enumerate(contents)]
    return [{"role": "system", "content": system}, *messages] if system else messages


CONVERSATIONS = {
    "one answer": talk("What is 1 + 1?", "It is 2."),
    "three answers": talk("Hi", "Hello!", "How are you?", "Fine, thanks.", "Bye", "See you."),
    "system": talk("Hi", "Hello!", "And?", "Yes.", system="You are a poet."),
    "ends with a question": talk("Hi", "Hello!", "And?", "Yes.", "What?"),
    "spaces around": talk(" Hi ", "  Hello! ", "And?\n", "\nYes.\n\n", " \t", "  "),
    "line breaks": talk("a\n\n\nb", "\n\n\nc\n\n", "d\n", "\ne"),
    "same answers": talk("a", "b", "a", "b", "a", "b"),
    "other scripts": talk("東京 🙂", "Grüße 🚀🚀", "🙂", "東"),
    "reasoning": talk("1?", "<think>\nhm\n</think>\n\none", "2?", "<think>x</think>two"),
    "two answers in a row": [*talk("Hi", "Hello!"), {"role": "assistant", "content": "Anything?"}],
    "assistant first": [{"role": "assistant", "content": "Welcome"}, *talk("Hi", "Hello!")],
}


def encode(tokenizer: Any, messages: list[Message], **options: Any) -> Any:
    encoder = ConversationEncoder(tokenizer, options.pop("max_length", None), learn_all=False)
    return encoder.encode(Conversation(tuple(messages), **options))


def without_closings(tokenizer: Any, learned: Learned, messages: list[Message]) -> Learned:
    """`learned` without the end of the conversation that follows an answer's own end mark.

    Phi-3's template writes it after the last message only, so it is learned once.
    """
    last = max(len(context) for context, _ in learned)
    eos = tokenizer.eos_token_id
    return type(learned)(
        {
            (context, token): count
            for (context, token), count in learned.items()
            if token != eos or len(context) == last
        }
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", templates.ALL)
@pytest.mark.parametrize("messages", CONVERSATIONS.values(), ids=CONVERSATIONS)
def test_the_same_is_learned_as_from_examples_of_one_answer(
    kind: str, name: str, messages: list[Message]
) -> None:
    model = tokenizer(kind, templates.ALL[name])
    try:
        expected = learned_by_expansion(model, messages)
    except TemplateError as error:
        with pytest.raises(RowFault, match=re.escape(str(error))):
            encode(model, messages)
        return
    if name == templates.MISTRAL_SYSTEM and messages[0]["role"] == "system":
        with pytest.raises(RowFault, match="it leaves out message 1, of role 'system'"):
            encode(model, messages)
        return
    if name == templates.PHI_3:
        expected = without_closings(model, expected, messages)
    assert learned_by(encode(model, messages).examples) == expected
