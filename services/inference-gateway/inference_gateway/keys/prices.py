"""What tokens cost: a YAML file that the operator writes. Nothing is guessed.

models:
  phi-3-mini-128k-instruct: {input: "0.10", output: "0.40"}
  default/my-workspace: {input: "0.20", output: "0.80"}

US dollars for a million tokens of prompts (`input`) and of answers (`output`). The most specific
name counts: namespace/workspace, the adapter, the preset. `*` is the price of all others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from kaito_keys.dollars import whole_parts

# Dollars for a million tokens are microdollars for one; a millionth of that is the smallest price.
_PICODOLLARS_PER_DOLLAR_OF_A_MILLION = 10**6
_MAX_DOLLARS = 1_000_000
_OTHERS = "*"


class PricesError(ValueError):
    """The file cannot be used. The message names entry, value and remedy."""


@dataclass(frozen=True, slots=True)
class Price:
    """In picodollars for a token, so that sums are whole numbers."""

    input: int
    output: int

    def nanodollars(self, prompt_tokens: int, completion_tokens: int) -> int:
        """What so many tokens cost, rounded up once for the request."""
        picodollars = self.input * prompt_tokens + self.output * completion_tokens
        return -(-picodollars // 1000)


@dataclass(frozen=True, slots=True)
class Prices:
    """The price of each model that has one."""

    models: Mapping[str, Price] = field(default_factory=dict)

    def find(self, names: Iterable[str]) -> Price | None:
        """The price of the first name that has one, else that of all others, if there is one."""
        for name in names:
            if price := self.models.get(name):
                return price
        return self.models.get(_OTHERS)


def read_prices(path: Path) -> Prices:
    """The prices of a file.

    Raises:
        PricesError: it cannot be read, or an entry is no price.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise PricesError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise PricesError(f"{path}: not YAML: {error}") from None
    models = content.get("models") if isinstance(content, dict) else None
    if not isinstance(models, dict):
        raise PricesError(f"{path}: it must be a mapping with a mapping named 'models'")
    return Prices({str(name): _price(path, name, entry) for name, entry in models.items()})


def _price(path: Path, name: object, entry: Any) -> Price:
    if not isinstance(entry, dict) or entry.keys() != {"input", "output"}:
        raise PricesError(f"{path}: models.{name}: write {{input: DOLLARS, output: DOLLARS}}")
    return Price(
        *(_picodollars(path, f"models.{name}.{each}", entry[each]) for each in Price.__slots__)
    )


def _picodollars(path: Path, where: str, value: Any) -> int:
    amount = whole_parts(value, _MAX_DOLLARS, _PICODOLLARS_PER_DOLLAR_OF_A_MILLION)
    if amount is None:
        raise PricesError(
            f"{path}: {where}={value!r}: set US dollars for a million tokens, "
            "with at most 6 decimals"
        )
    return amount
