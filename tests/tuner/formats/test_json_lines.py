"""JSON lines: a row is on its line, and a broken one is named by it."""

import json

import pytest

from tests.tuner.formats.conftest import Read, Refusal, Values

LINES = [json.dumps({"prompt": f"p {number}", "completion": "c"}) for number in range(1, 301)]
REMEDY = "write one JSON object per line"


def _with_line_200(line: str) -> bytes:
    return "\n".join([*LINES[:199], line, *LINES[200:]]).encode()


@pytest.mark.parametrize("name", ["x.jsonl", "x.ndjson", "x.json", "x.csv", "x.txt", "x.parquet"])
def test_number_is_the_line_also_after_blank_ones(name: str, read: Read) -> None:
    rows = read(name, b'\n{"a": 1}\n\n \n{"a": 2}\r\n{"a": 3}')
    assert [(row.number, row.values) for row in rows] == [
        (2, {"a": 1}),
        (5, {"a": 2}),
        (6, {"a": 3}),
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (
            '{"prompt": "p", "completion": nope}',
            "is not JSON at line 200, column 31: expecting value; the line begins with "
            r"""'{"prompt": "p", "completion": nope}\n'""",
        ),
        (
            '{"prompt": "p" "completion": "c"}',
            "is not JSON at line 200, column 16: expecting ',' delimiter; the line begins with "
            r"""'{"prompt": "p" "completion": "c"}\n'""",
        ),
        (
            '{"prompt": "p',
            "is not JSON at line 200, column 14: a line end or another control character is within "
            r"""a text; the line begins with '{"prompt": "p\n'""",
        ),
        (
            '{"prompt": "p"}}',
            "is not JSON at line 200, column 16: there is something after the value; the line "
            r"""begins with '{"prompt": "p"}}\n'""",
        ),
        (
            "{'prompt': 'p'}",
            "is not JSON at line 200, column 2: expecting property name enclosed in double quotes; "
            "the line begins with \"{'prompt': 'p'}\\n\"",
        ),
    ],
)
def test_broken_line_is_named(line: str, problem: str, refusal: Refusal) -> None:
    size = f"{len(_with_line_200(line)) / 1024:.1f} KiB"
    for name in ("x.jsonl", "x.json"):
        assert refusal(name, _with_line_200(line)) == f"{name} ({size}) {problem}; {REMEDY}"


def test_file_that_ends_within_a_line_is_named(refusal: Refusal) -> None:
    content = ("\n".join(LINES) + '\n{"prompt": "p", "comp').encode()
    assert refusal("x.jsonl", content).endswith(
        "KiB) is not JSON at line 301, column 17: a text that starts here does not end, where the "
        f"""file ends in the middle of the line; the line begins with '{{"prompt": "p", "comp'; """
        f"{REMEDY}"
    )


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("5", "has at line 2 not an object but 5"),
        ("[1, 2]", "has at line 2 not an object but [1, 2]"),
        ("null", "has at line 2 not an object but None"),
    ],
)
def test_line_that_is_no_object_is_named(line: str, problem: str, refusal: Refusal) -> None:
    assert refusal("x.jsonl", b'{"a": 1}\n' + line.encode() + b"\n").endswith(
        f'bytes) {problem}; write each row as an object: {{"column": value}}'
    )


def test_line_that_is_a_text_is_a_row(values: Values) -> None:
    assert values("x.jsonl", b'"one"\n"two"\n') == [{"text": "one"}, {"text": "two"}]


@pytest.mark.parametrize("levels", [101, 1_000, 10_000, 100_000])
@pytest.mark.parametrize("name", ["x.jsonl", "x.json"])
def test_row_that_is_nested_too_deep_is_named(name: str, levels: int, refusal: Refusal) -> None:
    row = '{"a": ' + "[" * levels + "]" * levels + "}"
    if name == "x.jsonl":
        message = refusal(name, f'{{"a": 1}}\n{row}\n'.encode())
        assert ") is not JSON at line 2, column 1: nested deeper than 100 levels; " in message
    else:
        message = refusal(name, f'[{{"a": 1}},\n{row}]'.encode())
        assert ") is not JSON at line 2, column 1: nested deeper than 100 levels, near" in message


def test_wide_row_with_many_brackets_is_read(values: Values) -> None:
    messages = [{"role": "user", "content": f"[{number}]"} for number in range(2_000)]
    content = json.dumps({"messages": messages}) + "\n" + json.dumps({"messages": []})
    assert values("x.jsonl", content.encode())[0] == {"messages": messages}


def test_values_that_json_does_not_have_are_missing(values: Values) -> None:
    content = b'{"a": NaN, "b": Infinity, "c": [-Infinity, 1.5]}\n{"a": "NaN"}\n'
    assert values("x.jsonl", content) == [{"a": None, "b": None, "c": [None, 1.5]}, {"a": "NaN"}]


def test_number_of_too_many_digits_is_named(refusal: Refusal) -> None:
    content = b'{"a": 1}\n{"a": ' + b"1" * 5_000 + b"}\n"
    assert "is not JSON at line 2, column 1: a number has too many digits;" in (
        refusal("x.jsonl", content)
    )


def test_half_of_a_character_is_replaced(values: Values) -> None:
    rows = values(
        "x.jsonl", b'{"a": "\\ud83d", "b": "\\ud83d\\ude00"}\n{"\\udc00": ["\\ud83d!"]}\n'
    )
    assert rows == [{"a": "\ufffd", "b": "😀"}, {"\ufffd": ["\ufffd!"]}]
    assert json.dumps(rows, ensure_ascii=False).encode()


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_only_a_line_feed_ends_a_line(separator: str, values: Values) -> None:
    text = f"one{separator}two"
    row = json.dumps({"a": text}, ensure_ascii=ord(separator) < 32)
    assert values("x.jsonl", f"{row}\n{row}\n".encode()) == [{"a": text}] * 2


def test_line_without_end_is_refused_before_it_fills_the_memory(
    refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuner.formats.text_stream.MAX_ROW_CHARS", 2_000_000)
    content = b'{"a": 1}\n{"a": "' + b"x" * 5_000_000
    assert refusal("x.jsonl", content) == (
        "x.jsonl (4.8 MiB) has a line, 2, of more than 2,000,000 characters; it begins with "
        f"""'{{"a": "{"x" * 53}'…; write one row per line"""
    )


def test_long_line_is_read(values: Values) -> None:
    text = "x" * 3_500_000
    assert values("x.jsonl", f'{{"a": "{text}"}}\n{{"a": "b"}}\n'.encode()) == [
        {"a": text},
        {"a": "b"},
    ]
