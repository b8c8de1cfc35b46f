import pytest

from kaito_presets import catalog
from tests.kubectl_kaito.console import Console


def test_all_presets_are_listed_with_what_they_need() -> None:
    result = Console().run("models")
    assert result.code == 0
    heading, *rows = result.out.splitlines()
    assert heading.split() == "NAME WEIGHTS CONTEXT TUNING GATED LICENSE SMALLEST $/H".split()
    assert [row.split()[0] for row in rows] == [p.name for p in catalog.load().presets]
    (phi,) = (row for row in rows if row.startswith("phi-3-mini-128k-instruct "))
    assert "lora,qlora" in phi and "7.12 GiB" in phi and "Standard_N" in phi


@pytest.mark.parametrize(
    "name", ["phi-3-mini-128k-instruct", "microsoft/Phi-3-mini-128k-instruct", " PHI-4 "]
)
def test_a_model_is_found_by_any_of_its_names(name: str) -> None:
    assert Console().run("models", name).code == 0


def test_one_model_shows_what_serves_and_what_tunes_it_cheapest_first() -> None:
    detail = Console().run("models", "phi-3-mini-128k-instruct", "-o", "json").json
    assert detail["preset"]["huggingFaceId"] == "microsoft/Phi-3-mini-128k-instruct"
    for sizes in (detail["serving"], detail["tuning"]["lora"], detail["tuning"]["qlora"]):
        prices = [size["pricePerHour"] for size in sizes]
        known = [price for price in prices if price is not None]
        assert known and known == sorted(known)
        assert prices[: len(known)] == known


def test_a_model_that_cannot_be_tuned_says_so() -> None:
    assert "It cannot be tuned." in Console().run("models", "deepseek-r1-0528").out
    assert "It cannot be tuned." not in Console().run("models", "phi-4").out


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("phi-3-mini-128k-instuct", "did you mean phi-3-mini-128k-instruct?"),
        ("phi-3-mini", "did you mean phi-3-mini-128k-instruct or phi-3-mini-4k-instruct?"),
        ("zzz", "`kubectl kaito models` lists all of them"),
        ("", "'' is not a preset"),
    ],
)
def test_an_unknown_model_names_what_is_close(name: str, hint: str) -> None:
    result = Console().run("models", name)
    assert result.code == 4
    assert hint in result.err


def test_yaml_and_json_say_the_same() -> None:
    assert Console().run("models", "-o", "yaml").yaml == Console().run("models", "-o", "json").json
