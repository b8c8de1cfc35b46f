"""Whatever a damaged file looks like, it is read or refused, and never crashes the process."""

import json
import random
from pathlib import Path

import pytest

from tests.tuner.formats.written import COMPRESSIONS, FORMATS, tar_of, zip_of
from tuner.errors import RunError
from tuner.formats.reader import describe_format, read_rows

ROWS = [
    {"prompt": f"¿qué {number}? 日本, a;b", "completion": f'"yes"\n{number} 😀'}
    for number in range(60)
]
PIECES = [
    b"\xff" * 4,
    b"\0" * 4,
    b'"',
    b"{",
    b"[",
    b"]",
    b"\n",
    b",",
    b"\r",
    b"\\",
    b"\xef\xbb\xbf",
]
FILES_OF_A_SEED = 150


def _packings(name: str, content: bytes) -> dict[str, bytes]:
    packed = {suffix: compress(content) for suffix, compress in COMPRESSIONS.items()}
    return {**packed, ".zip": zip_of({name: content}), ".tar": tar_of({name: content})}


INTACT = {
    name + suffix: content
    for name, write in FORMATS.items()
    for suffix, content in _packings(name, write(ROWS)).items()
}


def _damage(content: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.choice([1, 1, 2, 5])):
        place = chance.randrange(len(content) + 1)
        before, after = content[:place], content[place:]
        match chance.randrange(5):
            case 0:
                content = before
            case 1:
                content = before + after[chance.randrange(1, 50) :]
            case 2:
                content = before + chance.randbytes(chance.randrange(1, 20)) + after
            case 3:
                content = before + chance.choice(PIECES) + after[4:]
            case _:
                content = before + content[chance.randrange(place + 1) :]
    return content


@pytest.mark.parametrize("seed", range(16))
def test_damaged_file_is_read_or_refused(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    path = tmp_path / "x"
    for _ in range(FILES_OF_A_SEED):
        name = chance.choice(list(INTACT))
        path.write_bytes(_damage(INTACT[name], chance))
        try:
            for row in read_rows(path, name, max_bytes=10_000_000, scratch=tmp_path):
                json.dumps(row.values, ensure_ascii=False, allow_nan=False).encode()
            describe_format(path)
        except RunError as error:
            assert error.message.isprintable()


@pytest.mark.parametrize("name", INTACT)
def test_file_cut_anywhere_is_read_or_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    content = INTACT[name]
    for end in range(0, len(content), max(1, len(content) // 25)):
        path.write_bytes(content[:end])
        try:
            list(read_rows(path, name, scratch=tmp_path))
        except RunError as error:
            assert error.message.isprintable()
