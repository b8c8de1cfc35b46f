"""Every format in every compression and archive reads back as the rows that were written."""

from pathlib import Path

import pytest

from tests.tuner.formats.written import COMPRESSIONS, FORMATS, tar_of, zip_of
from tuner.formats.reader import read_rows
from tuner.rows.row import Row

# More than one batch of parquet, with what CSV has to quote. All values are text, as in CSV.
ROWS = [
    {"prompt": f"Frage {number}: ¿qué, «日本»; a|b\tc?", "completion": f'"yes"\nNo {number} 😀'}
    for number in range(300)
]
VALUES = [dict(row) for row in ROWS]


def _read(path: Path) -> list[Row]:
    return list(read_rows(path, path.name))


@pytest.mark.parametrize("suffix", COMPRESSIONS)
@pytest.mark.parametrize("name", FORMATS)
def test_file_reads_back_as_written(name: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / (name + suffix)
    path.write_bytes(COMPRESSIONS[suffix](FORMATS[name](ROWS)))
    rows = _read(path)
    assert [row.values for row in rows] == VALUES
    assert {row.file for row in rows} == {path.name}


@pytest.mark.parametrize("suffix", COMPRESSIONS)
@pytest.mark.parametrize("name", FORMATS)
def test_tar_reads_back_member_by_member(name: str, suffix: str, tmp_path: Path) -> None:
    content = FORMATS[name](ROWS)
    members = {"README.md": b"# Notes", f"a/{name}": content, f"b/{name}": content}
    path = tmp_path / f"rows.tar{suffix}"
    path.write_bytes(COMPRESSIONS[suffix](tar_of(members)))
    rows = _read(path)
    assert [row.values for row in rows] == VALUES * 2
    assert list(dict.fromkeys(row.file for row in rows)) == [
        f"{path.name}/a/{name}",
        f"{path.name}/b/{name}",
    ]


@pytest.mark.parametrize("suffix", COMPRESSIONS)
@pytest.mark.parametrize("name", FORMATS)
def test_zip_reads_back_member_by_member(name: str, suffix: str, tmp_path: Path) -> None:
    member = name + suffix
    path = tmp_path / "rows.zip"
    path.write_bytes(zip_of({member: COMPRESSIONS[suffix](FORMATS[name](ROWS))}))
    rows = _read(path)
    assert [row.values for row in rows] == VALUES
    assert {row.file for row in rows} == {f"rows.zip/{member}"}


@pytest.mark.parametrize("name", FORMATS)
def test_format_is_recognized_without_a_suffix(name: str, tmp_path: Path) -> None:
    path = tmp_path / "download"
    path.write_bytes(FORMATS[name](ROWS))
    assert [row.values for row in _read(path)] == VALUES
