"""What a key may use in a window of time. Money is in nanodollars: whole numbers add up exactly."""

from dataclasses import dataclass
from enum import StrEnum

NANODOLLARS = 10**9


class Unit(StrEnum):
    """What is counted."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    DOLLARS = "dollars"


class Window(StrEnum):
    """Minutes, days and months of UTC, by the clock of the ledger's store; or all time."""

    MINUTE = "minute"
    DAY = "day"
    MONTH = "month"
    EVER = "ever"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `amount` in each window; dollars as nanodollars."""

    unit: Unit
    window: Window
    amount: int

    @property
    def name(self) -> str:
        """As in a key's document: tokensPerDay."""
        return f"{self.unit}Per{self.window.capitalize()}"

    @property
    def shown_amount(self) -> str:
        """The amount for a message."""
        return show(self.unit, self.amount)


def show(unit: Unit, amount: int) -> str:
    """An amount of the unit for a message: 1000 tokens, $1.50."""
    if unit is not Unit.DOLLARS:
        return f"{amount} {unit}"
    dollars, nanodollars = divmod(amount, NANODOLLARS)
    return f"${dollars}.{f'{nanodollars:09}'.rstrip('0'):0<2}"
