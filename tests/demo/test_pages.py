"""Runnable pages: which commands they have, and when what they show is what is printed."""

from pathlib import Path

import pytest

from tools.demo.kubectl import CommandFailed
from tools.demo.pages import MARKER, Example, examples, is_runnable, run

PAGE = f"""# A page

{MARKER}

Text with `sh`.

```sh
echo one
echo 2 > file
```

```
one
```

1. A step:

   ```sh
   cat file
   ```

Not the output of the last one:

```yaml
a: 1
```
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    file = tmp_path / "page.md"
    file.write_text(PAGE)
    return file


def test_commands_and_what_they_print_are_read_from_the_page(page: Path) -> None:
    assert is_runnable(page)
    assert examples(page) == [Example("echo one\necho 2 > file", "one"), Example("cat file", None)]


def test_commands_run_one_after_the_other_in_one_folder(page: Path, tmp_path: Path) -> None:
    printed = [out for _, out in run(page, tmp_path, {})]
    assert printed == ["one\n", "2\n"]


def test_a_failure_that_is_not_shown_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text("```sh\necho gone >&2; exit 3\n```\n")
    with pytest.raises(CommandFailed, match="gone"):
        list(run(file, tmp_path, {}))
    file.write_text("```sh\necho gone >&2; exit 3\n```\n\n```\ngone\n```\n")
    ((example, printed),) = run(file, tmp_path, {})
    assert example.differs(printed) is None


def test_the_last_example_removes_what_a_page_that_fails_has_made(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    blocks = ("touch made", "exit 3", "rm made")
    file.write_text("".join(f"```sh\n{block}\n```\n\n" for block in blocks))
    with pytest.raises(CommandFailed, match="exit 3"):
        list(run(file, tmp_path, {}))
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("a\nb", "a\nb\n"),
        ("NAME   AGE\nphi    45s", "NAME AGE\nphi  2m10s\n"),
        ("ready in ~15m, 1.5 s", "ready in ~4m, 0.3 s\n"),
        ("claim ws0123456789", "claim wsabcdef0123\n"),
        ("sha256:f749aea2… at 172.30.0.1", "sha256:0123 at 10.96.0.7\n"),
        ("read 2026-11-28", "read 2027-01-02\n"),
        ("…\nlast", "one\ntwo\nlast\n"),
        ("first\n…", "first\nanything\n"),
        ("first\n…\nlast", "first\nlast\n"),
    ],
)
def test_times_names_and_digests_may_differ(shown: str, printed: str) -> None:
    assert Example("x", shown).differs(printed) is None


@pytest.mark.parametrize(
    ("shown", "printed", "named"),
    [
        ("a\nb", "a\n", "'b'"),
        ("a", "a\nb\n", "also prints 'b'"),
        ("costs $0.53", "costs $0.54\n", "$0.53"),
        ("phi-4 is ready", "phi-3 is ready\n", "phi-4"),
        ("…\nlast", "one\ntwo\n", "'last'"),
        ("3 pods", "4 pods\n", "3 pods"),
    ],
)
def test_anything_else_that_differs_is_named(shown: str, printed: str, named: str) -> None:
    assert named in (Example("x", shown).differs(printed) or "")
