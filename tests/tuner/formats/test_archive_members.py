"""Archives: which members are read, and what is wrong with one that is not."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.tuner.formats.conftest import Read, Refusal
from tests.tuner.formats.written import tar_of, zip_of
from tuner.formats.label import human_size
from tuner.formats.reader import read_rows

Pack = Callable[[Mapping[str, bytes]], bytes]

CSV = b"prompt,completion\na,b\n"
LINES = b'{"prompt": "a"}\n' * 500


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_members_that_are_no_data_are_left_out(pack: Pack, read: Read, tmp_path: Path) -> None:
    members = {
        "README.md": b"# About",
        "LICENSE.txt": b"MIT",
        "notes.txt": b"some notes",
        "__MACOSX/._train.csv": b"\x00\x05\x16\x07",
        ".DS_Store": b"\x00",
        "pictures/a.png": b"\x89PNG",
        "dataset_info.json": b"{}",
        "data/train.csv": CSV,
    }

    assert [row.file for row in read("x.pack", pack(members))] == ["x.pack/data/train.csv"]


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_text_is_read_from_an_archive_of_text(pack: Pack, read: Read) -> None:

    members = {"README.md": b"# About", "a.txt": b"one\ntwo\n", "b.md": b"three\n"}
    rows = read("x.pack", pack(members))
    assert [(row.file, row.number, row.values["text"]) for row in rows] == [
        ("x.pack/a.txt", 1, "one"),
        ("x.pack/a.txt", 2, "two"),
        ("x.pack/b.md", 1, "three"),
    ]


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_caller_chooses_members_by_their_names(pack: Pack, tmp_path: Path) -> None:

    path = tmp_path / "x.pack"
    path.write_bytes(pack({"test.csv": CSV, "train.csv": CSV, "odd": CSV}))
    rows = read_rows(path, "x.pack", choose=lambda names: [names[1], names[2]])
    assert [row.file for row in rows] == ["x.pack/train.csv", "x.pack/odd"]


def test_links_and_devices_of_a_tar_archive_are_left_out(read: Read) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind in (("a.csv", tarfile.SYMTYPE), ("b.csv", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        info = tarfile.TarInfo("c.csv")
        info.size = len(CSV)
        archive.addfile(info, io.BytesIO(CSV))
    assert [row.file for row in read("x.tar", out.getvalue())] == ["x.tar/c.csv"]


def _locked() -> bytes:
    """A zip archive whose member is marked as encrypted, in both of its headers."""
    content = bytearray(zip_of({"train.csv": CSV}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def _damaged() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("train.jsonl", LINES)
    return out.getvalue().replace(LINES, LINES.replace(b"a", b"b"))


DOWNLOAD = "it may be an incomplete download; compare its size and digest, and provide it again"
PACK = "pack the dataset as parquet, jsonl, csv or another format that is read"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "x.zip",
            _locked(),
            "x.zip/train.csv (22 bytes) is encrypted with a password; provide it without one",
        ),
        (
            "x.zip",
            zip_of({"train.csv": CSV})[:-30],
            "x.zip ({size}) is a damaged zip archive: File is not a zip file; " + DOWNLOAD,
        ),
        (
            "x.zip",
            _damaged(),
            "x.zip/train.jsonl (7.8 KiB) is damaged: it cannot be unpacked as zip (Bad CRC-32 for "
            f"file 'train.jsonl'); {DOWNLOAD}",
        ),
        (
            "x.tar",
            tar_of({"train.jsonl": LINES})[:5000],
            f"x.tar (4.9 KiB) is a damaged tar archive: unexpected end of data; {DOWNLOAD}",
        ),
        (
            "x.tar.gz",
            gzip.compress(tar_of({"train.jsonl": LINES}))[:-50],
            "x.tar.gz ({size}) is damaged: it cannot be unpacked as gz (Compressed file ended "
            f"before the end-of-stream marker was reached); {DOWNLOAD}",
        ),
        (
            "x.zip",
            zip_of({"a.png": b"", "README.md": b""}),
            "x.zip ({size}) is a zip archive without a data file; it holds 'a.png', "
            f"'README.md'; {PACK}",
        ),
        (
            "x.tar",
            tar_of({f"{number}.png": b"" for number in range(9)}),
            "x.tar (10 KiB) is a tar archive without a data file; it holds '0.png', '1.png', "
            f"'2.png', '3.png', '4.png' and 4 more; {PACK}",
        ),
        (
            "x.zip",
            zip_of({}),
            f"x.zip (22 bytes) is a zip archive without a data file; it holds nothing; {PACK}",
        ),
        (
            "x.zip",
            zip_of({"inner.zip": zip_of({"a.csv": CSV})}),
            "x.zip/inner.zip (130 bytes) is an archive within an archive; pack the files once",
        ),
        (
            "x.tar",
            tar_of({"train.csv": tar_of({"a.csv": CSV})}),
            "x.tar/train.csv (10 KiB) is an archive within an archive; pack the files once",
        ),
        (
            "x.zip",
            zip_of({"ok.csv": CSV, "bad.csv": b"a,b\n1\n"}),
            "x.zip/bad.csv (6 bytes) has too few fields at line 2: 1, where the header has 2 "
            "('a, b'), separated by ','; the line begins with '1'; put fields that hold the "
            "separator, a quote or a line end in double quotes",
        ),
    ],
)
def test_archive_that_cannot_be_read_is_refused(
    name: str, content: bytes, expected: str, refusal: Refusal
) -> None:
    assert refusal(name, content) == expected.replace("{size}", human_size(len(content)))


@pytest.mark.parametrize("pack", [zip_of, tar_of])
@pytest.mark.parametrize(
    "name",
    [
        "../../etc/cron.d/x.csv",
        "/etc/x.csv",
        "a/../../x.csv",
        "..\\x.csv",
        "a\x1b[31m.csv",
        "a\n.csv",
    ],
)
def test_hostile_name_is_refused_and_written_nowhere(
    name: str, pack: Pack, refusal: Refusal, tmp_path: Path
) -> None:

    message = refusal("x.pack", pack({"ok.csv": CSV, name: CSV}))
    assert "has a member whose name leads out of it or cannot be printed, " in message
    assert message.isprintable()
    assert [path.name for path in tmp_path.iterdir()] == ["x.pack"]


def test_very_long_name_is_refused(refusal: Refusal) -> None:
    message = refusal("x.zip", zip_of({"a/" * 600 + "x.csv": CSV}))
    assert message.endswith("'…; rename it")


def test_member_without_a_name_is_left_out(read: Read) -> None:
    content = zip_of({"nameless": CSV, "a.csv": CSV}).replace(b"nameless", b"\0ameless")
    assert [row.file for row in read("x.zip", content)] == ["x.zip/a.csv"]
