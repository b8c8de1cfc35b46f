"""The digest that becomes an image's tag depends on the inputs and on nothing else."""

import os
from pathlib import Path

import pytest

from tools.images.recipe import Recipe, copied, digest

DOCKERFILE = """\
FROM base AS build
COPY code /app/code
COPY lock settings/*.txt /build/
FROM base
COPY --from=build /app /app
"""
RECIPE = Recipe(name="x", repository="kaito/x", dockerfile="Dockerfile", arguments={"A": "1"})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {"Dockerfile": DOCKERFILE, "code/a.py": "a", "lock": "l", "settings/s.txt": "s"}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


def test_copied_lists_paths_in_the_context() -> None:
    assert copied(DOCKERFILE) == ["code", "lock", "settings/*.txt"]


@pytest.mark.parametrize(
    "name", ["Dockerfile", "code/a.py", "code/new.py", "lock", "settings/s.txt"]
)
def test_content_changes_the_digest(root: Path, name: str) -> None:
    before = digest(root, RECIPE, "base")
    with (root / name).open("a") as file:
        file.write("# more\n")
    assert digest(root, RECIPE, "base") != before


@pytest.mark.parametrize("name", ["elsewhere.py", "code/__pycache__/a.pyc"])
def test_other_files_do_not_change_the_digest(root: Path, name: str) -> None:
    before = digest(root, RECIPE, "base")
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text("x")
    os.utime(root / "lock", (0, 0))
    assert digest(root, RECIPE, "base") == before


def test_base_and_arguments_change_the_digest(root: Path) -> None:
    other = Recipe(name="x", repository="kaito/x", dockerfile="Dockerfile", arguments={"A": "2"})
    digests = {digest(root, RECIPE, "base"), digest(root, RECIPE, "b"), digest(root, other, "base")}
    assert len(digests) == 3


def test_missing_source_is_an_error(root: Path) -> None:
    (root / "lock").unlink()
    with pytest.raises(FileNotFoundError, match="copies lock"):
        digest(root, RECIPE, "base")
