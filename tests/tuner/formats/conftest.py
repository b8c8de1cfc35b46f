"""Reading a file of given content, and what the user reads when it is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tuner.errors import RunError
from tuner.formats.reader import read_rows
from tuner.reasons import Reason
from tuner.rows.row import Row

MAX_BYTES = 4_000_000

Read = Callable[[str, bytes], list[Row]]
Values = Callable[[str, bytes], list[dict[str, Any]]]
Refusal = Callable[[str, bytes], str]


@pytest.fixture(autouse=True)
def warnings_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever level a program that ran in the same process has set."""
    caplog.set_level("WARNING")


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The rows of a file with a name and a content."""

    def read_file(name: str, content: bytes) -> list[Row]:
        path = tmp_path / name
        path.write_bytes(content)
        origin = f"https://data.example/{name}"
        return list(read_rows(path, name, origin=origin, max_bytes=MAX_BYTES, scratch=tmp_path))

    return read_file


@pytest.fixture
def values(read: Read) -> Values:
    """The values of the rows of a file with a name and a content."""

    def read_values(name: str, content: bytes) -> list[dict[str, Any]]:
        return [dict(row.values) for row in read(name, content)]

    return read_values


@pytest.fixture
def refusal(read: Read) -> Refusal:
    """The message with which a file is refused, from the file's name on."""

    def read_refusal(name: str, content: bytes) -> str:
        with pytest.raises(RunError) as caught:
            read(name, content)
        assert caught.value.reason is Reason.DATA_UNREADABLE
        assert not caught.value.retryable
        assert f", from https://data.example/{name})" in caught.value.message
        return caught.value.message.removeprefix("data file ").replace(
            f", from https://data.example/{name})", ")"
        )

    return read_refusal
