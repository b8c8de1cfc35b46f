"""Go versions, told and compared."""

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
def test_version(text: str, number: tuple[int, ...]) -> None:
    assert go_toolchain.version(text) == number


def test_the_newest_that_any_module_asks_for(tmp_path: Path) -> None:
    for name, number in (("a", "1.9.5"), ("b", "1.26.1")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "go.mod").write_text(f"module {name}\n\ngo {number}\n")
    assert go_toolchain.needed(tmp_path) == (1, 26, 1)
