"""What is learned from completions and texts."""

from typing import Any

import pytest

from tests.tuner.examples import templates
from tests.tuner.examples.tokenizers import tokenizer
from tuner.errors import RunError
from tuner.examples.encoder import Encoder
from tuner.reasons import Reason
from tuner.rows.record import Completion, Conversation, Text
from tuner.rows.row import RowFault


def model(template: str | None = None) -> Any:
    return tokenizer("byte-level", templates.ALL[template] if template else None)


def learned(encoder: Encoder, record: Any) -> str:
    labels = [label for each in encoder.encode(record).examples for label in each.labels]
    return str(model().decode([label for label in labels if label != -100]))


def test_a_completion_goes_through_the_chat_template() -> None:
    encoder = Encoder(model("chatml"), 100)
    assert learned(encoder, Completion("Hi", "Hello!")) == "Hello!<|im_end|>\n"


def test_a_completion_without_a_template_ends_with_the_end_token_once() -> None:
    encoder = Encoder(model(), 100)
    assert learned(encoder, Completion("Hi:", "Hello!")) == "Hello!</s>"
    assert learned(encoder, Completion("Hi:", "Hello!</s>")) == "Hello!</s>"
    all_tokens = Encoder(model(), 100, learn_all=True)
    assert learned(all_tokens, Completion("Hi:", "Hello!")) == "Hi:Hello!</s>"


def test_a_conversation_needs_a_template() -> None:
    with pytest.raises(RunError, match="the model has no chat template; set ModelConfig") as caught:
        Encoder(model(), 100).encode(Conversation(({"role": "user", "content": "Hi"},)))
    assert caught.value.reason is Reason.CONFIG_INVALID


@pytest.mark.parametrize("template", [None, "chatml"])
def test_control_tokens_stay_in_a_text(template: str | None) -> None:
    """It may be a conversation that is rendered already."""
    text = "<s><|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello!<|im_end|>\n"
    (example,) = Encoder(model(template), 100).encode(Text(text)).examples
    ids = list(example.input_ids)
    for token, count in (("<|im_start|>", 2), ("<|im_end|>", 2), ("<s>", 1), ("</s>", 1)):
        assert ids.count(model().convert_tokens_to_ids(token)) == count
    assert example.labels == example.input_ids


def test_a_text_of_a_single_token_teaches_nothing() -> None:
    with pytest.raises(RowFault, match="the text is a single token"):
        Encoder(model(), 100).encode(Text("</s>"))


def test_a_long_completion_is_cut() -> None:
    encoded = Encoder(model(), 20).encode(Completion("Hi:", "word " * 100))
    assert encoded.cut is not None
    assert len(encoded.examples[0].input_ids) == 20
    assert model().eos_token_id not in encoded.examples[0].labels


def test_fingerprint_depends_on_all_that_examples_depend_on() -> None:
    encoders = [
        Encoder(model("chatml"), 100),
        Encoder(model("chatml"), 101),
        Encoder(model("chatml"), 100, learn_all=True),
        Encoder(model("llama-3"), 100),
        Encoder(tokenizer("tiktoken", templates.ALL["chatml"]), 100),
    ]
    assert len({encoder.fingerprint for encoder in encoders}) == len(encoders)
    assert Encoder(model("chatml"), 100).fingerprint == encoders[0].fingerprint
