"""Generation options: the request wins over the model's defaults, then the contract's."""

import pytest

from model_server.errors import InvalidRequest
from model_server.options import GenerationOptions, drop_invalid, resolve, validate


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
        GenerationOptions(temperature=1e-40),
        GenerationOptions(temperature=9e-7),
        GenerationOptions(top_p=1e-45),
        GenerationOptions(typical_p=1e-45),
        GenerationOptions(repetition_penalty=1e-39),
        GenerationOptions(repetition_penalty=101.0),
        GenerationOptions(length_penalty=1e38),
        GenerationOptions(length_penalty=float("-inf")),
        GenerationOptions(typical_p=0.0),
        GenerationOptions(repetition_penalty=0.0),
        GenerationOptions(num_beams=17),
        GenerationOptions(num_beams=2, num_return_sequences=3),
        GenerationOptions(stop=("x",) * 17),
    ],
    ids="nan hot denormal cold denormal_p denormal_typical denormal_penalty high_penalty length "
    "infinite typical penalty beams choices stops".split(),
)
def test_values_out_of_bounds_are_rejected(options: GenerationOptions) -> None:
    with pytest.raises(InvalidRequest):
        validate(options)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            GenerationOptions(temperature=1e-40),
            "options.temperature = 1e-40: must be between 1e-06 and 100; turn sampling off to "
            "always take the likeliest token",
        ),
        (
            GenerationOptions(repetition_penalty=1e-39),
            "options.repetition_penalty = 1e-39: must be between 0.01 and 100; 1 turns it off",
        ),
        (GenerationOptions(top_p=2.0), "options.top_p = 2.0: must be between 1e-06 and 1"),
        # What 1.2 becomes in the contract's float32.
        (
            GenerationOptions(top_p=1.2000000476837158),
            "options.top_p = 1.2: must be between 1e-06 and 1",
        ),
    ],
    ids="temperature penalty top_p float32".split(),
)
def test_rejection_names_field_value_and_bound(options: GenerationOptions, text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        validate(options)
    assert caught.value.message == text


def test_unusable_defaults_of_a_model_are_dropped() -> None:
    defaults = GenerationOptions(temperature=1e-40, top_k=-1, top_p=0.9, num_beams=99)
    kept, problems = drop_invalid(defaults)
    assert kept == GenerationOptions(top_p=0.9)
    assert [problem.split(" = ")[0] for problem in problems] == [
        "top_k",
        "num_beams",
        "temperature",
    ]


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
