"""The public price list, as the plugin's and the controller's own code asks it."""

from dataclasses import replace

import pytest

from kaito_skus.price_sheet import Price
from kaito_skus.retail_prices import parse_page, parse_prices, queries
from tests.aks_emulator.builders import GPU_SIZE
from tools.aks_emulator.core.prices import SPOT_PART, recorded
from tools.aks_emulator.web import admin
from tools.aks_emulator.web.context import Context
from tools.aks_emulator.web.messages import Request
from tools.aks_emulator.web.price_list import PATH, list_prices

A100 = "Standard_NC24ads_A100_v4"


def ask(context: Context, region: str, *sizes: str) -> dict[str, Price]:
    found: dict[str, Price] = {}
    for query in queries(region, sizes):
        request = Request(method="GET", path=PATH, base_url="http://localhost:8444", query=query)
        page = parse_page("http://localhost:8444" + PATH, list_prices(context, request).body)
        found |= parse_prices(page.items, region, sizes)
    return found


def test_prices_are_the_recorded_ones(context: Context) -> None:
    found = ask(context, "eastus", GPU_SIZE, A100)
    assert {size: price.on_demand for size, price in found.items()} == {
        size: recorded()[size] for size in (GPU_SIZE, A100)
    }
    assert found[A100].spot == pytest.approx(recorded()[A100] * SPOT_PART, abs=1e-4)


def test_a_price_that_was_set_is_listed_and_can_be_taken_back(context: Context) -> None:
    assert admin.set_prices(context.azure, {A100: 9.5}).status == 200
    assert ask(context, "eastus", A100)[A100].on_demand == 9.5
    assert admin.set_prices(context.azure, {}).status == 200
    assert ask(context, "eastus", A100)[A100].on_demand == recorded()[A100]


@pytest.mark.parametrize("body", [{"Standard_X": 1}, {A100: 0}, {A100: "1"}, {A100: True}])
def test_a_wrong_price_is_refused(context: Context, body: dict[str, object]) -> None:
    assert admin.set_prices(context.azure, body).status == 400
    assert context.azure.state.prices == {}


def test_another_region_has_no_prices(context: Context) -> None:
    assert ask(context, "westeurope", A100) == {}


def test_a_long_list_comes_in_pages(context: Context) -> None:
    request = Request(method="GET", path=PATH, base_url="http://localhost:8444")
    first = list_prices(context, request).body or {}
    assert first["NextPageLink"].startswith(f"http://localhost:8444{PATH}?")
    second = list_prices(context, replace(request, query={"$skip": "20"})).body or {}
    names = {(item["skuName"]) for item in (*first["Items"], *second["Items"])}
    assert len(names) == first["Count"] + second["Count"]
