"""kubectl as the reader of the documentation types it."""

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Manifest = dict[str, Any]


class CommandFailed(Exception):
    """A command that ended with an error; the message holds the command and its words."""


class Waited(Exception):
    """Something that was waited for did not come; the message says what stands instead."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """`flags` choose the cluster; they are left out where commands are shown."""

    binary: str = "kubectl"
    flags: tuple[str, ...] = ()

    def run(self, *arguments: str, stdin: str = "", timeout: float = 120) -> str:
        """What the command printed. Raises CommandFailed."""
        return _run([self.binary, *self.flags, *arguments], stdin, timeout)

    def show(self, *arguments: str) -> str:
        """Runs it and prints both, as in a terminal."""
        output = self.run(*arguments)
        print(f"$ kubectl {' '.join(arguments)}\n{output}", flush=True)
        return output

    def apply(self, *manifests: Manifest) -> None:
        listing = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.run("apply", "-f", "-", stdin=json.dumps(listing))

    def get(self, *what: str) -> Manifest | None:
        """The object, or None when there is no such object."""
        output = self.run("get", *what, "-o", "json", "--ignore-not-found")
        found: Manifest | None = json.loads(output) if output.strip() else None
        return found

    def items(self, *what: str) -> list[Manifest]:
        found = self.get(*what)
        items: list[Manifest] = found["items"] if found else []
        return items

    def delete(self, *what: str, wait: bool = True, timeout: float = 120) -> None:
        flags = ("--ignore-not-found", f"--wait={str(wait).lower()}")
        self.run("delete", *what, *flags, timeout=timeout)


def _run(command: list[str], stdin: str, timeout: float) -> str:
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"{' '.join(command)}: no answer within {timeout:.0f} s") from error
    if done.returncode:
        raise CommandFailed(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def run(*command: str | Path, stdin: str = "", timeout: float = 600) -> str:
    """Any other command. Raises CommandFailed."""
    return _run([str(part) for part in command], stdin, timeout)


def wait_for(
    what: str, look: Callable[[], str | None], seconds: float, pause: float = 0.5
) -> float:
    """Looks until `look` returns None; its text says what still stands in the way. Returns the
    seconds it took. Raises Waited."""
    began = time.monotonic()
    while (trouble := look()) is not None:
        if time.monotonic() - began > seconds:
            raise Waited(f"{what}: not within {seconds:.0f} s; {trouble}")
        time.sleep(pause)
    return time.monotonic() - began
