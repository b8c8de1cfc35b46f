"""Compares two answers to the same request. Pure; what a client returns is compared whole."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# What names one answer: ids that a server makes up, and moments.
_OWN_ID = re.compile(
    r"(chatcmpl-tool|chatcmpl|cmpl|resp|msg|rs|fc|call|embd|score|rerank|classify|pooling|toolu|"
    r"generative-scoring)[-_][\w-]+"
)
_OWN_FIELDS = frozenset(("created", "created_at", "completed_at"))
# The same kernels in another batch: the last digits of a float32.
_TOLERANCE = 1e-3
_MAX_CHARACTERS = 160


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Where two answers differ, as `field: value in one, value in other`; empty if nowhere."""
    match one, other:
        case Mapping(), Mapping():
            return _of_mappings(one, other, path)
        case [*items], [*others] if len(items) == len(others):
            pairs = enumerate(zip(items, others, strict=True))
            return [
                text for place, (a, b) in pairs for text in differences(a, b, f"{path}[{place}]")
            ]
    if _is_number(one) and _is_number(other):
        same = math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
    else:
        same = _without_ids(one) == _without_ids(other)
    return [] if same else [f"{path or 'answer'}: {_shown(one)}, {_shown(other)}"]


def merged(chunks: Iterable[Mapping[str, Any]]) -> Any:
    """A stream as one value: texts of the same place are joined, however they were cut."""
    whole: Any = {}
    for chunk in chunks:
        whole = _merge(whole, chunk)
    return whole


def merged_events(events: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Events of a stream in their order; those of one kind in a row are one, with joined texts."""
    found: list[Any] = []
    for event in events:
        own = {key: value for key, value in event.items() if key != "sequence_number"}
        if found and found[-1].get("type") == own.get("type"):
            found[-1] = _merge(found[-1], own)
        else:
            found.append(own)
    return found


# Strings that are cut into parts; all others are said again in each chunk.
_PARTS = frozenset(
    "content text delta arguments reasoning reasoning_content partial_json thinking".split()
)
# Lists with an entry for each token.
_TOKEN_LISTS = frozenset("content tokens token_logprobs top_logprobs token_ids logprobs".split())


def _merge(one: Any, other: Any, name: str = "") -> Any:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        keys = [*one, *(key for key in other if key not in one)]
        return {key: _merge(one.get(key), other.get(key), key) for key in keys}
    if isinstance(one, str) and isinstance(other, str):
        return one + other if name in _PARTS else other
    if isinstance(one, list) and isinstance(other, list):
        if name in _TOKEN_LISTS:
            return one + other
        return _merge_places(one, other)
    return one if other is None else other


def _merge_places(one: Sequence[Any], other: Sequence[Any]) -> list[Any]:
    """Choices and calls have an index; they are merged by it."""
    found = {_place(each, number): each for number, each in enumerate(one)}
    for number, each in enumerate(other):
        place = _place(each, number)
        found[place] = _merge(found[place], each) if place in found else each
    return [found[place] for place in sorted(found)]


def _place(item: Any, number: int) -> int:
    index = item.get("index") if isinstance(item, Mapping) else None
    return index if isinstance(index, int) else number


def _of_mappings(one: Mapping[str, Any], other: Mapping[str, Any], path: str) -> list[str]:
    found: list[str] = []
    for key in [*one, *(key for key in other if key not in one)]:
        where = f"{path}.{key}" if path else str(key)
        if key in _OWN_FIELDS and (key in one) == (key in other):
            continue
        if key not in one or key not in other:
            has = "only through the gateway" if key in one else "only straight at vLLM"
            found.append(f"{where}: {has}")
        else:
            found += differences(one[key], other[key], where)
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _without_ids(value: Any) -> Any:
    return _OWN_ID.sub(r"\1", value) if isinstance(value, str) else value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…"
