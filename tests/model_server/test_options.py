"""Who decides an option: the request, then the model's defaults, then the contract."""

import pytest

from model_server.errors import InvalidRequest
from model_server.options import Options, check, resolve


@pytest.mark.parametrize(
    ("asked", "defaults", "new_tokens"),
    [
        (Options(), Options(), 1024),
        (Options(), Options(max_new_tokens=7), 7),
        (Options(max_new_tokens=9), Options(max_new_tokens=7), 9),
        (Options(max_length=150), Options(max_new_tokens=7), 50),
        (Options(max_length=150, max_new_tokens=9), Options(), 9),
        (Options(max_new_tokens=9000), Options(), 1900),
        (Options(max_length=9000), Options(), 1900),
    ],
    ids="contract model request total both context total_context".split(),
)
def test_length(asked: Options, defaults: Options, new_tokens: int) -> None:
    sampling = resolve(asked, defaults, prompt_tokens=100, context=2000)
    assert sampling.max_new_tokens == new_tokens


@pytest.mark.parametrize(
    ("asked", "prompt_tokens", "words"),
    [
        (Options(), 2000, ["2000 tokens", "1999"]),
        (Options(max_length=100), 100, ["options.max_length", "100 tokens", "max_new_tokens"]),
        (Options(min_new_tokens=9, max_new_tokens=8), 1, ["options.min_new_tokens", "only 8"]),
    ],
    ids="context total least".split(),
)
def test_what_does_not_fit_is_refused(asked: Options, prompt_tokens: int, words: list[str]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        resolve(asked, Options(), prompt_tokens=prompt_tokens, context=2000)
    assert all(word in caught.value.message for word in words)


def test_request_wins_over_model_over_neutral() -> None:
    defaults = Options(do_sample=True, temperature=0.7, top_k=40)
    sampling = resolve(Options(top_k=0), defaults, prompt_tokens=1, context=10)
    assert (sampling.do_sample, sampling.temperature, sampling.top_k) == (True, 0.7, 0)
    assert (sampling.top_p, sampling.num_beams, sampling.choices) == (1.0, 1, 1)


@pytest.mark.parametrize(
    "options",
    [
        Options(temperature=float("nan")),
        Options(temperature=101.0),
        Options(typical_p=0.0),
        Options(repetition_penalty=0.0),
        Options(num_beams=17),
        Options(num_beams=2, num_return_sequences=3),
        Options(stop=("x",) * 17),
    ],
    ids="nan hot typical penalty beams choices stops".split(),
)
def test_out_of_bounds(options: Options) -> None:
    with pytest.raises(InvalidRequest):
        check(options)


def test_neutral_values_of_the_seed_api_are_within_bounds() -> None:
    check(
        Options(
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
