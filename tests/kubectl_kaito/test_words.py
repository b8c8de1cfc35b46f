import pytest

from kubectl_kaito.words import age, dollars, gib, plural


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0s"),
        (0, "0s"),
        (59.9, "59s"),
        (60, "1m"),
        (130, "2m10s"),
        (3600, "1h"),
        (3605, "1h"),
        (11100, "3h5m"),
        (2 * 86400 + 4 * 3600 + 59, "2d4h"),
        (86400 + 120, "1d"),
    ],
)
def test_age_has_at_most_two_units(seconds: float, text: str) -> None:
    assert age(seconds) == text


def test_amounts_are_spelled_as_people_read_them() -> None:
    assert dollars(1234.5) == "$1,234.50"
    assert dollars(None) is None
    assert gib(7.12) == "7.12 GiB"
    assert plural(1, "node") == "1 node"
    assert plural(2, "node") == "2 nodes"
