"""Encodings: what is not UTF-8 is named with its place and its likely encoding."""

import codecs

import pytest

from tests.tuner.formats.conftest import Read, Refusal, Values
from tuner.formats.encodings import likely_encoding


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        (
            "x.csv",
            "prompt,completion\nhi,ja\nFrage,schön und größer\n".encode("cp1252"),
            r"is not UTF-8: line 3 has the byte 0xf6 at offset 33, in b'tion\nhi,ja\nFrage,sch"
            r"\xf6n und gr\xf6\xdfer\n'; it seems to be WINDOWS-1252; convert it to UTF-8: iconv "
            "-f WINDOWS-1252 -t UTF-8",
        ),
        (
            "x.jsonl",
            '{"a": "ok"}\n{"a": "café"}\n'.encode("latin-1"),
            r"""is not UTF-8: line 2 has the byte 0xe9 at offset 22, in b'a": "ok"}\n{"a": "caf"""
            r"""\xe9"}\n'; it seems to be WINDOWS-1252; convert it to UTF-8: iconv -f """
            "WINDOWS-1252 -t UTF-8",
        ),
        (
            "x.txt",
            b"fine\n\xff\x98\xfd\n",
            r"is not UTF-8: line 2 has the byte 0xff at offset 5, in b'fine\n\xff\x98\xfd\n'; "
            "convert it to UTF-8",
        ),
        (
            "x.json",
            '[{"a": "\u20ac'.encode() + b"\xe2\x82",
            "is not UTF-8: line 1 has the byte 0xe2 at offset 11, in",
        ),
    ],
)
def test_text_that_is_not_utf_8_is_named(
    name: str, content: bytes, problem: str, refusal: Refusal
) -> None:
    assert f"bytes) {problem}" in refusal(name, content)


@pytest.mark.parametrize("letters", range(5))
def test_offset_and_line_are_right_far_into_a_file(
    letters: int, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the letters before it are cut by the end of a chunk."""
    monkeypatch.setattr("tuner.formats.text_stream.CHUNK_BYTES", 1_000)
    before = ("€" * 9 + "\n").encode() * 3_000 + b"x" * letters
    assert f"line 3001 has the byte 0xfc at offset {len(before):,}, in" in (
        refusal("x.txt", before + b"\xfcber")
    )


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("WINDOWS-1252", "Frage, schön und größer"),
        ("WINDOWS-1252", "he said “yes” – it’s €5"),
        ("WINDOWS-1251", "Как дела, всё хорошо?"),
        ("SHIFT_JIS", "質問、こんにちは世界です"),
        ("EUC-JP", "質問、こんにちは世界です"),
        ("EUC-KR", "질문, 안녕하세요, 네"),
        ("GB18030", "今天天气很好，我们去公园吧。"),
        (None, "Zażółć gęślą jaźń"),
    ],
)
def test_likely_encoding_is_that_of_the_letters(encoding: str | None, text: str) -> None:
    data = text.encode(encoding or "cp1250")
    with pytest.raises(UnicodeDecodeError) as caught:
        data.decode()
    assert likely_encoding(data, caught.value.start) == encoding


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (b"", "utf-16-le"),
        (b"", "utf-16-be"),
    ],
)
def test_mark_at_the_beginning_is_no_text(mark: bytes, encoding: str, values: Values) -> None:
    content = mark + "text\ngrößer 日本 😀\n".encode(encoding)
    assert values("x.csv", content) == [{"text": "größer 日本 😀"}]


def test_lines_of_text_are_rows_without_blank_ones(read: Read) -> None:
    rows = read("x.txt", "\ufeffone\r\n\r\n  two \n\t\nthree\u2028four".encode())
    assert [(row.number, row.values) for row in rows] == [
        (1, {"text": "one"}),
        (3, {"text": "  two "}),
        (5, {"text": "three\u2028four"}),
    ]


@pytest.mark.parametrize("first", ["[INST] hi [/INST]", "{not json}", "[1] a note", '["x" y'])
def test_text_may_begin_with_a_bracket(first: str, values: Values) -> None:
    assert values("x.txt", f"{first}\nmore\n".encode()) == [{"text": first}, {"text": "more"}]
