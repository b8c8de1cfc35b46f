"""Compressed files: damaged ones, bombs, and those whose suffix says something else."""

import bz2
import gzip
import io
import lzma
from pathlib import Path

import pyarrow as pa
import pytest

from tests.tuner.formats.conftest import Refusal, Values
from tests.tuner.formats.written import COMPRESSIONS, by_arrow, parquet, tar_of, zip_of
from tuner.errors import RunError
from tuner.formats.reader import read_rows
from tuner.reasons import Reason

LINES = b"".join(b'{"prompt": "%d"}\n' % (number * 7919) for number in range(500))
ROWS = [{"prompt": str(number * 7919)} for number in range(500)]


@pytest.mark.parametrize("suffix", COMPRESSIONS)
@pytest.mark.parametrize("name", ["x.jsonl", "x.parquet", "x.csv", "x.gz", "x.zst", "x"])
def test_content_decides_whatever_the_suffix_says(name: str, suffix: str, values: Values) -> None:
    assert values(name, COMPRESSIONS[suffix](LINES)) == ROWS


@pytest.mark.parametrize("suffix", [suffix for suffix in COMPRESSIONS if suffix])
def test_several_streams_one_after_the_other_are_read(suffix: str, values: Values) -> None:
    assert values("x.jsonl", COMPRESSIONS[suffix](LINES) * 3) == ROWS * 3


def test_file_that_a_server_has_compressed_again_is_read(values: Values) -> None:
    assert values("x.jsonl.gz", gzip.compress(by_arrow("zstd")(gzip.compress(LINES)))) == ROWS


def test_file_that_is_compressed_without_end_is_refused(refusal: Refusal) -> None:
    content = LINES
    for _ in range(4):
        content = gzip.compress(content)
    assert refusal("x.gz", content).endswith(
        "is compressed more than 3 times; provide it compressed once"
    )


PACKED = gzip.compress(LINES)
ENDED = "Compressed file ended before the end-of-stream marker was reached"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (PACKED[:-20], f"gz ({ENDED})"),
        (PACKED + b"junk", "gz (Not a gzipped file (b'ju'))"),
        (PACKED[:-8] + b"\0" * 8, "gz (CRC check failed"),
        (PACKED[:11] + b"\xff" * 9 + PACKED[20:], "gz (Error -3 while decompressing data: "),
        (bz2.compress(LINES)[:-20], f"bz2 ({ENDED})"),
        (lzma.compress(LINES)[:-20], f"xz ({ENDED})"),
        (by_arrow("zstd")(LINES)[:-20], "zst (Truncated compressed stream)"),
        (by_arrow("lz4")(LINES)[:-20], "lz4 (Truncated compressed stream)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damaged_file_is_refused(content: bytes, problem: str, refusal: Refusal) -> None:
    message = refusal("x.jsonl", content)
    assert f") is damaged: it cannot be unpacked as {problem}" in message
    assert message.endswith(
        "; it may be an incomplete download; compare its size and digest, and provide it again"
    )


def arrow_stream_of_a_dictionary(values: list[str]) -> bytes:
    table = pa.table({"a": pa.array(values).dictionary_encode()})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


TEXT = "x" * 1_000_000
BOMB = b'{"a": "%s"}\n' % TEXT.encode() * 5


@pytest.mark.parametrize(
    "content",
    [
        *(compress(BOMB) for suffix, compress in COMPRESSIONS.items() if suffix),
        zip_of({"a.jsonl": BOMB}),
        zip_of({f"{number}.jsonl": BOMB[:1_000_009] for number in range(5)}),
        gzip.compress(tar_of({"a.jsonl": BOMB})),
        gzip.compress(gzip.compress(BOMB)),
        parquet([{"a": TEXT}] * 5),
        arrow_stream_of_a_dictionary(["x" * 50_000] * 100),
    ],
)
def test_file_that_unpacks_to_more_than_is_allowed_is_refused(
    content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    assert len(content) < 100_000
    with pytest.raises(RunError) as caught:
        list(read_rows(path, "x", max_bytes=4_000_000))
    assert caught.value.reason is Reason.DATA_TOO_LARGE
    assert (
        caught.value.message.endswith(
            "KiB) unpacks to more than 3.8 MiB; use a smaller dataset, or raise the chart's "
            "maxDataBytes (KAITO_MAX_DATA_BYTES)"
        )
        or "bytes) unpacks to more than 3.8 MiB" in caught.value.message
    )


def test_no_space_to_unpack_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet.gz"
    path.write_bytes(gzip.compress(parquet(ROWS)))
    with pytest.raises(RunError) as caught:
        list(read_rows(path, path.name, scratch=tmp_path / "missing"))
    assert caught.value.reason is Reason.DATA_TOO_LARGE
    assert f"cannot be unpacked into {tmp_path / 'missing'}: No such file" in caught.value.message


def test_unpacked_copy_is_gone_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet.gz"
    path.write_bytes(gzip.compress(parquet(ROWS)))
    assert len(list(read_rows(path, path.name, scratch=tmp_path))) == 500
    assert [left.name for left in tmp_path.iterdir()] == ["x.parquet.gz"]
