"""Tokens of vLLM's answers, in the form that vLLM 0.32.0 gave them."""

from typing import Any

import pytest

from model_server.engine import Delta, TokenLogprob
from model_server.errors import GenerationFailed
from model_server.openai_server.answer_parsing import AnswerParser
from model_server.options import GenerationOptions
from model_server.text.token_bytes import TokenBytes
from model_server.transformers.vocabulary import HubVocabulary
from model_server.vllm.token_reading import TokenReader
from tests.model_server.tiny_model import make_tokenizer

_ALL = GenerationOptions(logprobs=True, top_logprobs=2, return_token_ids=True)
_COMPLETION: dict[str, Any] = {
    "index": 0,
    "text": "",
    "logprobs": {
        "text_offset": [0],
        "token_logprobs": [-3.551],
        "tokens": ["token_id:142"],
        "top_logprobs": [{"token_id:142": -3.551, "token_id:253": -2.584, "token_id:310": -3.348}],
    },
    "finish_reason": None,
    "prompt_token_ids": [271, 310, 303],
    "token_ids": [142],
}
_CHAT: dict[str, Any] = {
    "index": 0,
    "delta": {"content": "Z"},
    "logprobs": {
        "content": [
            {
                "token": "token_id:61",
                "logprob": -2.417,
                "bytes": [90],
                "top_logprobs": [
                    {"token": "token_id:61", "logprob": -2.417, "bytes": [116]},
                    {"token": "token_id:204", "logprob": -2.687, "bytes": [116]},
                ],
            }
        ]
    },
    "finish_reason": None,
    "token_ids": [61],
}
_WHOLE: dict[str, Any] = {
    "index": 0,
    "text": "",
    "finish_reason": "length",
    "token_ids": [253],
    "prompt_token_ids": [271, 310, 303],
    "prompt_logprobs": [
        None,
        {
            "310": {"logprob": -6.069, "rank": 65, "decoded_token": " ship"},
            "80": {"logprob": -0.931, "rank": 1, "decoded_token": "m"},
            "174": {"logprob": -3.037, "rank": 2, "decoded_token": ""},
        },
        {
            "303": {"logprob": -9.914, "rank": 294, "decoded_token": " sails"},
            "172": {"logprob": -1.758, "rank": 1, "decoded_token": ""},
            "205": {"logprob": -1.802, "rank": 2, "decoded_token": "\r"},
        },
    ],
}


@pytest.fixture(scope="module")
def token_bytes() -> TokenBytes:
    return TokenBytes(HubVocabulary(make_tokenizer()))


def _read(options: GenerationOptions, known: TokenBytes | None, *chunks: Any) -> list[Delta]:
    parser = AnswerParser(1, TokenReader(options, known))
    return [delta for chunk in chunks for delta in parser.parse(chunk)]


def _ids(logprob: TokenLogprob) -> tuple[int, list[int]]:
    return logprob.token.id, [each.id for each in logprob.top]


def test_tokens_of_a_completion(token_bytes: TokenBytes) -> None:
    (delta,) = _read(_ALL, token_bytes, {"choices": [_COMPLETION]})
    assert (delta.token_ids, delta.prompt_token_ids) == ((142,), (271, 310, 303))
    assert delta.token_count == 1
    # The sampled token is in vLLM's list, too, and is none of the two likeliest.
    assert [_ids(each) for each in delta.logprobs] == [(142, [253, 310])]
    assert delta.logprobs[0].top[1].raw == b" ship"


def test_tokens_of_a_chat(token_bytes: TokenBytes) -> None:
    role = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
    first, second = _read(
        _ALL,
        token_bytes,
        {"choices": [role], "prompt_token_ids": [2, 278, 0, 3]},
        {"choices": [_CHAT]},
    )
    assert (first.prompt_token_ids, first.token_ids) == ((2, 278, 0, 3), ())
    assert (second.prompt_token_ids, second.token_ids, second.text) == ((), (61,), "Z")
    assert [_ids(each) for each in second.logprobs] == [(61, [61, 204])]
    # vLLM's bytes are those of the name that stands for the token.
    assert second.logprobs[0].top[0].raw == b"Z"


@pytest.mark.parametrize("is_chat", [False, True], ids=["completion", "chat"])
def test_tokens_of_a_prompt(token_bytes: TokenBytes, is_chat: bool) -> None:
    options = GenerationOptions(prompt_logprobs=True, top_logprobs=2)
    whole: dict[str, Any] = {"choices": [_WHOLE]}
    if is_chat:
        about_prompt = {key: _WHOLE[key] for key in ("prompt_token_ids", "prompt_logprobs")}
        message = {"index": 0, "message": {"content": ""}, "finish_reason": "length"}
        whole = {"choices": [message], **about_prompt}
    parser = AnswerParser(1, TokenReader(options, token_bytes))
    usage = {"prompt_tokens": 3, "completion_tokens": 1}
    assert not list(parser.parse(whole | {"usage": usage}))
    delta = parser.end()
    assert [_ids(each) for each in delta.prompt_logprobs] == [
        (271, []), (310, [80, 174]), (303, [172, 205]),
    ]  # fmt: skip
    assert [each.token.logprob for each in delta.prompt_logprobs] == [None, -6.069, -9.914]
    # Ids that nobody wanted are left out.
    assert (delta.prompt_token_ids, delta.token_ids) == ((), ())


def test_the_prompt_is_told_once_and_not_for_each_choice(token_bytes: TokenBytes) -> None:
    parser = AnswerParser(2, TokenReader(_ALL, token_bytes))
    chunks = [{"choices": [_COMPLETION | {"index": index}]} for index in (1, 0)]
    deltas = [delta for chunk in chunks for delta in parser.parse(chunk)]
    assert [bool(delta.prompt_token_ids) for delta in deltas] == [True, False]


@pytest.mark.parametrize(
    "logprobs",
    [
        {"tokens": ["Z"], "token_logprobs": [-1.0], "top_logprobs": [{}]},
        {"tokens": ["token_id:1"], "token_logprobs": [], "top_logprobs": []},
        {"content": [{"token": "token_id:1"}]},
    ],
)
def test_tokens_of_another_form_are_an_error(token_bytes: TokenBytes, logprobs: Any) -> None:
    with pytest.raises(GenerationFailed, match="does not follow the OpenAI API"):
        _read(_ALL, token_bytes, {"choices": [_COMPLETION | {"logprobs": logprobs}]})
