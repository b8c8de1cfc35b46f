"""Generation options: the request wins over the model's defaults, then the contract's."""

import pytest

from model_server.errors import InvalidRequest
from model_server.options import GenerationOptions, resolve, validate


@pytest.mark.parametrize(
    ("requested", "defaults", "new_tokens"),
    [
        (GenerationOptions(), GenerationOptions(), 1024),
        (GenerationOptions(), GenerationOptions(max_new_tokens=7), 7),
        (GenerationOptions(max_new_tokens=9), GenerationOptions(max_new_tokens=7), 9),
        (GenerationOptions(max_length=150), GenerationOptions(max_new_tokens=7), 50),
        (GenerationOptions(max_length=150, max_new_tokens=9), GenerationOptions(), 9),
        (GenerationOptions(max_new_tokens=9000), GenerationOptions(), 1900),
        (GenerationOptions(max_length=9000), GenerationOptions(), 1900),
    ],
    ids="contract model request total both context total_context".split(),
)
def test_max_new_tokens(
    requested: GenerationOptions, defaults: GenerationOptions, new_tokens: int
) -> None:
    params = resolve(requested, defaults, prompt_tokens=100, context_tokens=2000)
    assert params.max_new_tokens == new_tokens


@pytest.mark.parametrize(
    ("requested", "prompt_tokens", "texts"),
    [
        (GenerationOptions(), 2000, ["2000 tokens", "1999"]),
        (
            GenerationOptions(max_length=100),
            100,
            ["options.max_length", "100 tokens", "max_new_tokens"],
        ),
        (
            GenerationOptions(min_new_tokens=9, max_new_tokens=8),
            1,
            ["options.min_new_tokens", "only 8"],
        ),
    ],
    ids="context total least".split(),
)
def test_lengths_that_do_not_fit_are_rejected(
    requested: GenerationOptions, prompt_tokens: int, texts: list[str]
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        resolve(requested, GenerationOptions(), prompt_tokens=prompt_tokens, context_tokens=2000)
    assert all(text in caught.value.message for text in texts)


def test_request_wins_over_model_and_neutral_value() -> None:
    defaults = GenerationOptions(do_sample=True, temperature=0.7, top_k=40)
    params = resolve(GenerationOptions(top_k=0), defaults, prompt_tokens=1, context_tokens=10)
    assert (params.do_sample, params.temperature, params.top_k) == (True, 0.7, 0)
    assert (params.top_p, params.num_beams, params.choices) == (1.0, 1, 1)


@pytest.mark.parametrize(
    "options",
    [
        GenerationOptions(temperature=float("nan")),
        GenerationOptions(temperature=101.0),
        GenerationOptions(typical_p=0.0),
        GenerationOptions(repetition_penalty=0.0),
        GenerationOptions(num_beams=17),
        GenerationOptions(num_beams=2, num_return_sequences=3),
        GenerationOptions(stop=("x",) * 17),
    ],
    ids="nan hot typical penalty beams choices stops".split(),
)
def test_values_out_of_bounds_are_rejected(options: GenerationOptions) -> None:
    with pytest.raises(InvalidRequest):
        validate(options)


def test_defaults_of_kaito_chat_are_within_bounds() -> None:
    validate(
        GenerationOptions(
            max_length=200,
            do_sample=True,
            temperature=1.0,
            top_k=10,
            top_p=1.0,
            typical_p=1.0,
            repetition_penalty=1.0,
            no_repeat_ngram_size=0,
            num_beams=1,
        )
    )
