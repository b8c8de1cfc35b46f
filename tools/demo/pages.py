"""Pages of the documentation whose commands run as they are printed.

A page with the marker has its commands in blocks of `sh`. The block that follows one directly is
what it prints, times and digests aside; a line of `…` stands for any lines.
"""

import os
import re
import subprocess
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.demo.kubectl import CommandFailed

MARKER = "<!-- runnable -->"
_BLOCKS = re.compile(
    r"^(?P<indent> *)```sh\n(?P<code>.*?)^ *```\n"
    r"(?:\s*\n *```(?:text)?\n(?P<shown>.*?)^ *```$)?",
    re.MULTILINE | re.DOTALL,
)
_ANY_LINES = "…"
_TIMEOUT_SECONDS = 600
# What is different in each run, and what stands for it. The order matters.
_VARIABLE = (
    (r"sha256:[0-9a-f…]+", "DIGEST"),
    (r"\d{4}-\d\d-\d\d(?:T[\d:.]+Z?)?", "DATE"),
    (r"\b\d{1,3}(?:\.\d{1,3}){3}\b", "ADDRESS"),
    # Names that Kubernetes and the controllers make: of claims, of pods, of volumes.
    (r"\bws[0-9a-f]{10}\b", "CLAIM"),
    (r"\baks-CLAIM-[\w-]+", "NODE"),
    (r"-data-[0-9a-f]{10}\b", "-data-ID"),
    (r"\b(?:kaito-[a-z-]+?)-[0-9a-f]{8,10}-[a-z0-9]{5}\b", "POD"),
    (r"~?\b\d+(?:\.\d+)? ?(?:ms|s|m|h|d)\b(?:\d+[smh]\b)?", "TIME"),
    (r"~?\b(?:\d+[dhms]){1,2}\b", "TIME"),
    # What a machine has cost after some seconds.
    (r"\$0\.0\d\b", "CENTS"),
    (r"[▁▂▃▄▅▆▇█]+", "LOSSES"),
    (r"\b\d\.\d{3,4}\b", "LOSS"),
    (r"\s+", " "),
)


@dataclass(frozen=True, slots=True)
class Example:
    """A block of commands, and the output that the page shows; None if it shows none."""

    code: str
    shown: str | None

    def differs(self, printed: str) -> str | None:
        """The first line of the page that was not printed; None if all were, and nothing else."""
        if self.shown is None:
            return None
        wanted = [_constant(line) for line in self.shown.splitlines() if line.strip()]
        found = [_constant(line) for line in printed.splitlines() if line.strip()]
        return _first_difference(wanted, found)


def is_runnable(page: Path) -> bool:
    return MARKER in page.read_text()


def examples(page: Path) -> list[Example]:
    """All examples of a page, in their order."""
    return [
        Example(
            textwrap.dedent(match["code"]).strip(),
            None if match["shown"] is None else textwrap.dedent(match["shown"]).rstrip(),
        )
        for match in _BLOCKS.finditer(page.read_text())
    ]


def run(page: Path, folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[Example, str]]:
    """Run the examples of a page one after the other in a folder; each with what it printed.

    An example may end with an error only if the page shows what it prints. If one fails, the last
    one is run all the same: it removes what the page has made.

    Raises:
        CommandFailed: a command fails, or does not end.
    """
    *_, last = found = examples(page)
    for example in found:
        try:
            code, printed = _execute(example, folder, environment)
            if code and example.shown is None:
                raise CommandFailed(f"{page.name}: {example.code}\n{printed}")
        except (CommandFailed, subprocess.TimeoutExpired) as error:
            if example is not last:
                _execute(last, folder, environment)
            raise CommandFailed(str(error)) from error
        yield example, printed


def _execute(example: Example, folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and output of a block, as in a terminal."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", example.code],
        env={**os.environ, **environment}, cwd=folder, check=False, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_TIMEOUT_SECONDS,
    )  # fmt: skip
    return done.returncode, done.stdout


def transcript(example: Example, printed: str) -> str:
    """As in a terminal."""
    return f"$ {example.code.replace(chr(10), chr(10) + '> ')}\n{printed}"


def _constant(line: str) -> str:
    for pattern, name in _VARIABLE:
        line = re.sub(pattern, name, line)
    return line.strip()


def _first_difference(wanted: list[str], found: list[str]) -> str | None:
    at = 0
    anything = False
    for line in wanted:
        if line == _ANY_LINES:
            anything = True
            continue
        while anything and at < len(found) and found[at] != line:
            at += 1
        if at == len(found) or found[at] != line:
            return f"the page shows {line!r}, and the command prints {found[at : at + 1]}"
        at, anything = at + 1, False
    if at < len(found) and not anything:
        return f"the command also prints {found[at]!r}"
    return None
