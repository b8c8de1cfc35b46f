"""Parsing and comparing Go versions."""

from pathlib import Path

import pytest

from tools.local_cluster.programs import go_toolchain


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go 1.26.0", (1, 26, 0)),
        ("go 1.9", (1, 9)),
        ("nothing", (0,)),
    ],
)
def test_version_is_parsed(text: str, number: tuple[int, ...]) -> None:
    assert go_toolchain.version(text) == number


def test_required_version_is_the_newest_of_all_modules(tmp_path: Path) -> None:
    for name, number in (("a", "1.9.5"), ("b", "1.26.1")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "go.mod").write_text(f"module {name}\n\ngo {number}\n")
    assert go_toolchain.required_version(tmp_path) == (1, 26, 1)
