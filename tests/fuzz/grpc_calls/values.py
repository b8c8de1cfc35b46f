"""Values of protobuf's types: ordinary ones, those at the edges of each type, and hostile text."""

import math
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from hypothesis import strategies as st

Values = st.SearchStrategy[Any]
_F = FieldDescriptor
_SIGNED_32 = {_F.TYPE_INT32, _F.TYPE_SINT32, _F.TYPE_SFIXED32}
_SIGNED_64 = {_F.TYPE_INT64, _F.TYPE_SINT64, _F.TYPE_SFIXED64}
_UNSIGNED_32 = {_F.TYPE_UINT32, _F.TYPE_FIXED32}
_UNSIGNED_64 = {_F.TYPE_UINT64, _F.TYPE_FIXED64}
# Around the bounds of contracts, and of what code tends to keep numbers in.
_EDGES = (0, 1, 2, 3, 15, 16, 17, 255, 256, 257, 1024, 65535, 65536, 2**24 + 1)
_NUMBERS = (
    *(0.0, -0.0, 1.0, 0.5, 0.7, 2.0, -1.0, 1e-6, 9.9e-7, 100.0, 100.1, 0.01, -5.0, 5.0),
    # Denormal, smallest normal and largest numbers of float32, and beyond them.
    *(1e-45, 1e-40, 1.17549435e-38, 3.4028234e38, -3.4028234e38, 1e-30, 1e30, 16777217.0),
    *(math.nan, math.inf, -math.inf),
)
TEXTS = (
    *("", " ", "\0", "a\0b", "\r\n", "\t", "\x7f", "null", "NaN", "0", "-1", "true", "[]", "{}"),
    *("../../etc/passwd", "/", "%s%n%x", "{{ 7 * 7 }}", "{% raise %}", "${jndi:x}", "'; --", '"'),
    *(
        "é",
        "東京",
        "☂️",
        "👩‍👩‍👧‍👦",
        "\u202eabc",
        "\ufeff",
        "\uffff",
        "\U0010ffff",
        "e" + "\u0301" * 50,
    ),
    *("<|end|>", "<|user|>", "<|endoftext|>", "</s>", "[INST]", "\ufffd", "x" * 300, "ab " * 3000),
)
# What makes a call reach beyond its first check, by the name of the field. A field without an
# entry gets the values of its type.
_BY_NAME: dict[str, tuple[Any, ...]] = {
    "model": ("", "", "", "tiny", "pirate", "poet", "unknown"),
    "name": ("pirate", "poet", "", "tiny", "default/ws"),
    "path": ("", "pirate", "poet", "..", "/etc"),
    "role": ("user", "user", "assistant", "system", "developer", "tool"),
    "prompt": ("The ship", "What is the capital of Japan?"),
    "content": ("Hello", "What is the capital of Japan?"),
    "service": ("", "kaito.inference.v1.InferenceService"),
    "file_containing_symbol": ("kaito.inference.v1.InferenceService", "grpc.health.v1.Health"),
    "file_by_filename": ("kaito/inference/v1/inference.proto",),
    "ids": (5, 17, 33, 300),
    "token_ids": (5, 17, 33, 300),
    "json_schema": (
        '{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}',
        *('{"$ref": "#"}', '{"type": "strange"}', "true", "{", '{"enum": []}', '{"not": {}}'),
        '{"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}',
        '{"type": "array", "minItems": 1000000000, "items": {"type": "null"}}',
        '{"type": "string", "pattern": "(a+)+$"}',
        '{"a":' * 2000 + "1" + "}" * 2000,
    ),
    "parameters": ('{"type": "object", "properties": {"q": {"type": "string"}}}', "", "[]", "{"),
    "arguments": ('{"q": "a"}', "", "{", "[]"),
    "template_arguments": ('{"enable_thinking": false}', "{", "[]", '{"messages": 1}'),
    "regex": ("[ab]{1,3}", "(a+)+b", "a{1000000000}", "(", "(?P<x>a)(?P=x)", "", "\\pX", "(?!a)b"),
    "grammar": ('root ::= "a" | "b"', 'root ::= root "a"', "root ::=", "a ::= b", 'root ::= "'),
    "route": ("POST /v1/responses", "GET /v1/models", "POST /../x", "\r\nX: y", ""),
    # Most answers should be short, so that many calls are made.
    "max_new_tokens": (1, 2, 3, 5, 8, 13),
}


def values_of(field: FieldDescriptor) -> Values:
    """Values of a field that is no message, each of which protobuf can carry."""
    values = _values_of_type(field)
    likely = _BY_NAME.get(field.name)
    # Text of a field that is a number in another message would not fit.
    if likely and isinstance(likely[0], str) != (field.type == _F.TYPE_STRING):
        likely = None
    if not likely:
        return values
    return st.one_of(*[st.sampled_from(likely)] * 4, values)


def _values_of_type(field: FieldDescriptor) -> Values:
    if field.type in _SIGNED_32:
        return _integers(-(2**31), 2**31 - 1)
    if field.type in _SIGNED_64:
        return _integers(-(2**63), 2**63 - 1)
    if field.type in _UNSIGNED_32:
        return _integers(0, 2**32 - 1)
    if field.type in _UNSIGNED_64:
        return _integers(0, 2**64 - 1)
    if field.type == _F.TYPE_FLOAT:
        return st.sampled_from(_NUMBERS) | st.floats(width=32)
    if field.type == _F.TYPE_DOUBLE:
        return st.sampled_from((*_NUMBERS, 5e-324, 1.7e308)) | st.floats()
    if field.type == _F.TYPE_BOOL:
        return st.booleans()
    if field.type == _F.TYPE_ENUM:
        assert field.enum_type
        known = [value.number for value in field.enum_type.values]
        return st.sampled_from(known) | _integers(-(2**31), 2**31 - 1)
    if field.type == _F.TYPE_STRING:
        return st.sampled_from(TEXTS) | texts()
    return st.sampled_from([text.encode() for text in TEXTS]) | st.binary(max_size=64)


def texts() -> st.SearchStrategy[str]:
    """Text of all characters that UTF-8 can carry."""
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def _integers(least: int, most: int) -> Values:
    edges = [number for number in (*_EDGES, -1, least, most, most // 2 + 1) if number >= least]
    return st.sampled_from(edges) | st.integers(0, 20) | st.integers(least, most)
