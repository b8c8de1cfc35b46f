"""CSV and TSV: every value is text, and a row of the wrong width is named by its line."""

import pytest

from tests.tuner.formats.conftest import Read, Refusal, Values

SEPARATED = "put fields that hold the separator, a quote or a line end in double quotes"
DOUBLED = 'put such a field in double quotes, and double those within it: "She said ""yes""."'


@pytest.mark.parametrize("word", ["None", "NA", "N/A", "null", "NULL", "nan", "NaN", "-", "#N/A"])
def test_words_for_missing_values_are_text(word: str, values: Values) -> None:
    assert values("x.csv", f"question,answer\nWhat?,{word}\n".encode()) == [
        {"question": "What?", "answer": word}
    ]


def test_empty_cell_is_an_empty_text(values: Values) -> None:
    content = b'prompt,completion\n,b\na,\n"",""\n'
    assert [list(row.values()) for row in values("x.csv", content)] == [
        ["", "b"],
        ["a", ""],
        ["", ""],
    ]


def test_numbers_are_kept_as_they_are_written(values: Values) -> None:
    content = b"zip,number,day\n00501,1e5,2024-01-02\n"
    assert values("x.csv", content) == [{"zip": "00501", "number": "1e5", "day": "2024-01-02"}]


def test_number_is_the_line_that_a_row_begins_on(read: Read) -> None:
    content = b'prompt,completion\n"a\nb\r\nc",d\n\n"e\n",f\ng,h'
    assert [(row.number, row.values["prompt"]) for row in read("x.csv", content)] == [
        (2, "a\nb\r\nc"),
        (6, "e\n"),
        (8, "g"),
    ]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_lines_end_as_on_every_system(line_end: str, values: Values) -> None:
    content = line_end.join(["prompt,completion", "a,b", '"c, d",e', ""])
    assert values("x.csv", content.encode()) == [
        {"prompt": "a", "completion": "b"},
        {"prompt": "c, d", "completion": "e"},
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x"])
def test_delimiter_is_found_among_others_in_the_text(
    delimiter: str, name: str, values: Values
) -> None:
    others = " ".join({",", ";", "|"} - {delimiter})
    lines = [["prompt", "completion"], *([f"a {others} {i}", f"b {others}, {i}"] for i in range(9))]
    quoted = (delimiter.join(f'"{cell}"' for cell in line) for line in lines)
    rows = values(name, "\n".join(quoted).encode())
    assert [list(row.values()) for row in rows] == lines[1:]


def test_single_column_has_no_delimiter(values: Values) -> None:
    assert values("x.csv", b'text\nHello\n"Well, then"\n') == [
        {"text": "Hello"},
        {"text": "Well, then"},
    ]


def test_tabs_separate_texts_with_quotes_that_quote_nothing(values: Values) -> None:
    content = b'prompt\tcompletion\n"Hello" she said\tand 5" more\n"ok\tfine\n'
    assert [list(row.values()) for row in values("x.tsv", content)] == [
        ['"Hello" she said', 'and 5" more'],
        ['"ok', "fine"],
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"prompt,completion,\na,b,\n",
        b"prompt,completion,,\na,b,,\n",
        b"prompt,completion\na,b,\n",
        b"prompt,completion\na,b,,,\n",
        b" prompt ,completion\na,b\n",
    ],
)
def test_trailing_delimiters_and_space_in_the_header_are_ignored(
    content: bytes, values: Values
) -> None:
    assert values("x.csv", content) == [{"prompt": "a", "completion": "b"}]


def test_index_of_pandas_is_a_column_without_a_name(values: Values) -> None:
    assert values("x.csv", b",text\n0,a\n1,b\n") == [
        {"Unnamed: 0": "0", "text": "a"},
        {"Unnamed: 0": "1", "text": "b"},
    ]


def test_long_field_is_read(values: Values) -> None:
    text = "x, " * 500_000
    assert values("x.csv", f'a,b\n"{text}",c\n'.encode()) == [{"a": text, "b": "c"}]


def test_header_alone_has_no_rows(values: Values) -> None:
    assert values("x.csv", b"prompt,completion\n") == []


@pytest.mark.parametrize(
    ("content", "problem", "remedy"),
    [
        (
            b"prompt,completion\na,b\nc\n",
            "has too few fields at line 3: 1, where the header has 2 ('prompt, completion'), "
            "separated by ','; the line begins with 'c'",
            SEPARATED,
        ),
        (
            b"prompt;completion\na;b\nc;d;e\n",
            "has too many fields at line 3: 3, where the header has 2 ('prompt, completion'), "
            "separated by ';'; the line begins with 'c;d;e'",
            SEPARATED,
        ),
        (
            b'prompt,completion\n"a\nb\nc",d\n"x\ny"\n',
            "has too few fields at line 5: 1, where the header has 2 ('prompt, completion'), "
            r"separated by ','; the line begins with 'x\ny'",
            SEPARATED,
        ),
        (
            b"text\nHello, world\nBye\n",
            "has too many fields at line 2: 2, where the header has 1 ('text'), separated by ','; "
            "the line begins with 'Hello, world'",
            SEPARATED,
        ),
        (
            b'prompt,completion\na,b\n"c,d\ne,f\n',
            "has at line 3 a quote that opens a field and is not closed",
            DOUBLED,
        ),
        (
            b'prompt,completion\na,b\n"He said "hi" to me",d\ne,f\n',
            "has at line 3 a quote within a quoted field",
            DOUBLED,
        ),
        (
            b"prompt,completion\na,b\rc\n",
            "has at line 2 a carriage return in a field without quotes",
            DOUBLED,
        ),
        (
            b"text,label,text\na,b,c\n",
            "has several columns of the name text in its header, line 1",
            "rename all but one",
        ),
        (
            b"a,b\n1,2\n3,\x00\n",
            "is not text: line 3 has a NUL byte",
            "compare it with the original",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_malformed_file_is_refused(
    content: bytes, problem: str, remedy: str, refusal: Refusal
) -> None:
    assert refusal("x.csv", content) == f"x.csv ({len(content)} bytes) {problem}; {remedy}"


def test_row_far_into_a_file_is_named_by_its_line(refusal: Refusal) -> None:
    content = b"prompt,completion\n" + b'"a\nb",c\n' * 100_000 + b"d\n"
    assert "has too few fields at line 200002: 1, where" in refusal("x.csv", content)


def test_quote_that_is_not_closed_does_not_fill_the_memory(
    refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuner.formats.text_stream.MAX_ROW_CHARS", 1_000_000)
    content = b'prompt,completion\na,b\n"c' + b"x" * 3_000_000
    assert "has a line, 3, of more than 1,000,000 characters" in refusal("x.csv", content)


@pytest.mark.parametrize(
    "header",
    ["What is it?,A thing.", "1,2", "prompt," + "x" * 61],
)
def test_header_that_looks_like_a_row_is_warned_about(
    header: str, values: Values, caplog: pytest.LogCaptureFixture
) -> None:
    values("x.csv", f"{header}\na,b\n".encode())
    assert "line 1 is taken as the header, but looks like a row: " in caplog.text


def test_header_of_names_is_not_warned_about(
    values: Values, caplog: pytest.LogCaptureFixture
) -> None:
    values("x.csv", b"prompt,the completion,score 2\na,b,c\n")
    assert not caplog.text


def test_separators_of_unicode_end_no_line(values: Values) -> None:
    rows = "".join(f"a\u2028{number},b\x85\n" for number in range(9))
    assert len(values("x", f"prompt,completion\n{rows}".encode())) == 9
