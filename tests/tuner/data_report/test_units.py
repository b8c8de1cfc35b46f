import pytest

from tuner.data_report import units


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_234_567, "1.2 MB"), (10**9, "1.0 GB")],
)
def test_size(number: int, text: str) -> None:
    assert units.size(number) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1234567, "1,234,567 rows")]
)
def test_count(number: int, text: str) -> None:
    assert units.count(number, "row") == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (999, "999"),
        (677_040, "677,040"),
        (3_821_079_552, "3.82 billion"),
        (1.5e6, "1.5 million"),
        (2e12, "2 trillion"),
    ],
)
def test_magnitude(number: float, text: str) -> None:
    assert units.magnitude(number) == text


@pytest.mark.parametrize(
    ("span", "text"),
    [
        ((0.0, 0.001), "less than a minute"),
        ((0.03, 0.09), "2 to 5 minutes"),
        ((0.5, 1.4), "30 to 84 minutes"),
        ((1.0, 2.5), "1.0 to 2.5 hours"),
        ((30, 90), "30.0 to 90.0 hours"),
        ((72, 192), "3.0 to 8.0 days"),
        ((0.49 / 60, 1.3 / 60), "0 to 1 minutes"),
        ((2.01, 2.02), "2.0 hours"),
    ],
)
def test_hours(span: tuple[float, float], text: str) -> None:
    assert units.hours(*span) == text


@pytest.mark.parametrize(
    ("span", "text"),
    [
        ((0.0001, 0.004), "less than $0.01"),
        ((0.13, 0.34), "$0.13 to $0.34"),
        ((1234.5, 2000), "$1,234.50 to $2,000.00"),
        ((2.001, 2.002), "$2.00"),
    ],
)
def test_dollars(span: tuple[float, float], text: str) -> None:
    assert units.dollars(*span) == text


@pytest.mark.parametrize(
    ("text", "estimate"),
    [("2 to 5 minutes", "about 2 to 5 minutes"), ("less than a minute", "less than a minute")],
)
def test_about(text: str, estimate: str) -> None:
    assert units.about(text) == estimate
