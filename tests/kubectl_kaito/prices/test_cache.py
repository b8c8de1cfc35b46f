from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kaito_skus.price_sheet import Price
from kubectl_kaito.prices.cache import CachedPrices
from kubectl_kaito.prices.fake import FakePrices

NOW = datetime(2026, 11, 28, tzinfo=UTC)
LIST = {"eastus": {"a": Price(1.0, 0.2), "b": Price(2.0)}}


def test_prices_are_read_once_a_day(tmp_path: Path) -> None:
    source, now = FakePrices(NOW, LIST), [NOW]
    cache = CachedPrices(source, tmp_path / "new", lambda: now[0])
    first = cache.read("eastus", ["a", "b"])
    now[0] += timedelta(hours=23)
    again = cache.read("eastus", ["a"])
    assert source.reads == 1
    assert again.prices == {"a": first.prices["a"]} and again.read_at == NOW
    now[0] += timedelta(hours=2)
    cache.read("eastus", ["a"])
    assert source.reads == 2


def test_what_the_list_does_not_have_is_not_asked_for_again(tmp_path: Path) -> None:
    source = FakePrices(NOW, LIST)
    cache = CachedPrices(source, tmp_path, lambda: NOW)
    for _ in range(2):
        assert cache.read("eastus", ["a", "gone"]).prices.keys() == {"a"}
    assert source.reads == 1
    cache.read("eastus", ["a", "other"])
    cache.read("westus", ["a"])
    assert source.reads == 3


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"asked": ["a"], "prices": [], "readAt": ""}', '{"asked": 1}'],
)
def test_a_broken_file_is_read_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "eastus.json").write_text(text)
    source = FakePrices(NOW, LIST)
    assert CachedPrices(source, tmp_path, lambda: NOW).read("eastus", ["a"]).prices["a"].spot == 0.2


def test_a_clock_that_was_set_back_does_not_keep_prices_forever(tmp_path: Path) -> None:
    source = FakePrices(NOW, LIST)
    CachedPrices(source, tmp_path, lambda: NOW).read("eastus", ["a"])
    earlier = NOW - timedelta(days=400)
    CachedPrices(source, tmp_path, lambda: earlier).read("eastus", ["a"])
    assert source.reads == 2


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    cache = CachedPrices(FakePrices(NOW, LIST), file / "below", lambda: NOW)
    assert cache.read("eastus", ["a"]).prices
