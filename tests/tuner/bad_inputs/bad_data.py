"""Bad data, and networks that do not bring it."""

import gzip
import json

from tests.tuner.bad_inputs.bad_input import GOOD_ROWS, DataInput, row
from tests.tuner.sources.server import Answer
from tuner.reasons import Reason

_LFS = b"""version https://git-lfs.github.com/spec/v1
oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
size 12345
"""
_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>...</body></html>"
_DENIED = (
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code>'
    b"<Message>Request has expired</Message></Error>"
)


def _file(title: str, name: str, body: bytes, reason: Reason, *says: str) -> DataInput:
    return DataInput(
        title=title,
        reason=reason,
        says=(name, *says),
        answers={f"/{name}": Answer(body=body)},
        urls=(f"/{name}",),
    )


def _unreadable(title: str, name: str, body: bytes, *says: str) -> DataInput:
    return _file(title, name, body, Reason.DATA_UNREADABLE, *says)


def _answered(title: str, answer: Answer, *says: str) -> DataInput:
    return DataInput(
        title=title,
        reason=Reason.DATA_UNREACHABLE,
        says=("/train.jsonl", *says),
        answers={"/train.jsonl": answer},
    )


def _messages(*messages: object) -> bytes:
    return json.dumps({"messages": messages}).encode() + b"\n"


_GOOD_TURNS = _messages({"role": "user", "content": "a"}, {"role": "assistant", "content": "b"})

BAD_FILES = (
    _unreadable("a Git LFS pointer", "train.parquet", _LFS, "Git LFS pointer"),
    _unreadable("a web page", "train.parquet", _PAGE, "web page", "Sign in"),
    _unreadable("a storage's error as a file", "train.jsonl", _DENIED, "AccessDenied"),
    _unreadable("a parquet file without its end", "train.parquet", b"PAR1" + b"x" * 99, "end"),
    _unreadable(
        "a broken line",
        "train.jsonl",
        GOOD_ROWS + b'{"prompt": "x", "completion": \n' + GOOD_ROWS,
        "line 51",
    ),
    _unreadable("a compressed file without its end", "t.jsonl.gz", gzip.compress(GOOD_ROWS)[:-20]),
    _unreadable("a spreadsheet", "train.csv", b"PK\x03\x04" + b"xl/workbook.xml" * 9),
    _unreadable("a pickle", "train.jsonl", b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}"),
    _file("an empty file", "train.jsonl", b"", Reason.DATA_UNREADABLE, "empty"),
    _file("no rows", "train.csv", b"prompt,completion\n", Reason.DATA_EMPTY),
    _file(
        "columns of another kind",
        "train.jsonl",
        b'{"question_id": 1, "score": 2}\n',
        Reason.DATA_COLUMN_MISSING,
        "question_id",
    ),
    DataInput(
        title="a column that is not there",
        reason=Reason.DATA_COLUMN_MISSING,
        says=("reply", "completion"),
        config="DatasetConfig: {context_column: prompt, response_column: reply}",
    ),
    _file(
        "answers that are null",
        "train.jsonl",
        GOOD_ROWS + row("What is it?", None) * 3,
        Reason.DATA_ROWS_LOST,
        "rows 51, 52, 53", "completion", "max_lost_rows",
    ),
    _file(
        "a conversation of another form",
        "train.jsonl",
        _GOOD_TURNS * 40 + _messages({"speaker": "Ann", "words": "a"}) * 9,
        Reason.DATA_ROWS_LOST,
        "rows 41, 42", "speaker is 'Ann'",
    ),
    _file(
        "conversations without an answer",
        "train.jsonl",
        _messages({"role": "user", "content": "a"}) * 40,
        Reason.DATA_ROWS_LOST,
        "no answer",
    ),
)  # fmt: skip

BAD_NETWORKS = (
    _answered("a file that is not there", Answer(status=404), "404"),
    _answered("a file that needs a login", Answer(status=401), "401"),
    _answered("a server that fails", Answer(status=503), "503"),
    _answered("a download that breaks off", Answer(body=GOOD_ROWS, cut=9), "received 9 bytes"),
    _answered(
        "a redirect without end",
        Answer(status=302, headers={"Location": "/train.jsonl"}),
        "redirect",
    ),
    DataInput(
        title="an internal address",
        reason=Reason.DATA_UNREACHABLE,
        says=("127.0.0.1", "not public"),
        environ={"KAITO_ALLOW_PRIVATE_DATA_HOSTS": "false"},
    ),
    DataInput(
        title="a host that is not there",
        reason=Reason.DATA_UNREACHABLE,
        says=("data.invalid",),
        urls=("http://data.invalid/train.jsonl",),
    ),
    DataInput(
        title="a port where nobody listens",
        reason=Reason.DATA_UNREACHABLE,
        says=("127.0.0.1:1",),
        urls=("http://127.0.0.1:1/train.jsonl",),
    ),
    DataInput(
        title="files beyond the limit",
        reason=Reason.DATA_TOO_LARGE,
        says=("/train.jsonl", "maxDataBytes"),
        environ={"KAITO_MAX_DATA_BYTES": "100"},
    ),
)
