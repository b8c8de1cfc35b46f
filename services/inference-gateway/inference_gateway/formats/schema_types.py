"""Types that the schemas of several APIs share.

Types are strict, as OpenAI's are: "5" is not a number. The model-server checks ranges; here a
number only has to fit the contract's type.
"""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

Count = Annotated[int, Field(ge=0, le=2**32 - 1)]
Seed = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Priority = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]
# Each prompt becomes a separate call to the model-server.
MAX_PROMPTS = 32
# OpenAI's own bound on the inputs of one request for embeddings.
MAX_INPUTS = 2048
# Messages, and parts of their contents. Parsing holds the event loop, about 20 us for each, and a
# body has room for 150,000: all other requests would wait for seconds. Agents use a few hundred.
MAX_MESSAGES = 2048
# Far more than the contract's 16 stop strings, whose bound the model-server reports.
MAX_ITEMS = 1024
# Longer than the context of any model; the model-server reports its own bound.
MAX_TOKENS = 2**20

STRICT = ConfigDict(strict=True, extra="ignore")
# Keeps the names of unknown fields, to report them.
REPORTING = ConfigDict(strict=True, extra="allow")


def _token_id(key: str) -> str:
    if not re.fullmatch("[0-9]{1,10}", key) or int(key) >= 2**32:
        raise ValueError("the key is not the id of a token")
    return key


def _few(values: Any) -> Any:
    # Before its items are read: each wrong one of a million would make an error.
    if isinstance(values, dict) and len(values) > MAX_ITEMS:
        raise ValueError(f"has more than {MAX_ITEMS} items")
    return values


LogitBias = Annotated[
    dict[Annotated[str, AfterValidator(_token_id)], Finite], BeforeValidator(_few)
]
# Each list stops at its first error: a million wrong items would make a million errors.
Texts = Annotated[list[str], Field(max_length=MAX_ITEMS, fail_fast=True)]
TokenIds = Annotated[list[Count], Field(min_length=1, max_length=MAX_TOKENS, fail_fast=True)]


def kind_of_input(value: Any) -> str:
    """Which of the alternatives a list is follows from its first item, so that errors name it."""
    if not isinstance(value, list):
        return "text"
    match value[:1]:
        case [int()]:
            return "tokens"
        case [list()]:
            return "token_lists"
    return "texts"


def inputs(value: str | list[str] | list[int] | list[list[int]]) -> tuple[str | list[int], ...]:
    """Each input, as its text or as its tokens."""
    if isinstance(value, str) or kind_of_input(value) == "tokens":
        return (value,)  # type: ignore[return-value]
    return tuple(value)  # type: ignore[arg-type]


def stop_strings(stop: str | list[str] | None) -> list[str]:
    """The stop strings of a request, without the empty ones that some clients send by default."""
    stops = [stop] if isinstance(stop, str) else stop or []
    return [each for each in stops if each]
