"""Runs kubectl and other commands, and waits for conditions."""

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Manifest = dict[str, Any]


class CommandFailed(Exception):
    """A command exited with an error; the message has the command and its output."""


class TimedOut(Exception):
    """A condition did not become true in time; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """`flags` select the cluster; `show` omits them."""

    binary: str = "kubectl"
    flags: tuple[str, ...] = ()

    def run(self, *arguments: str, stdin: str = "", timeout: float = 120) -> str:
        """Run kubectl and return its output.

        Raises:
            CommandFailed: it exits with an error or does not finish in time.
        """
        return _run([self.binary, *self.flags, *arguments], stdin, timeout)

    def show(self, *arguments: str) -> str:
        """Run kubectl and print the command and its output, as in a terminal."""
        output = self.run(*arguments)
        print(f"$ kubectl {' '.join(arguments)}\n{output}", flush=True)
        return output

    def apply(self, *manifests: Manifest) -> None:
        # One List, so that kubectl starts only once.
        listing = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.run("apply", "-f", "-", stdin=json.dumps(listing))

    def get(self, *what: str) -> Manifest | None:
        """The object, or None if it does not exist."""
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
    """Run any other command.

    Raises:
        CommandFailed: it exits with an error or does not finish in time.
    """
    return _run([str(part) for part in command], stdin, timeout)


def wait_for(
    what: str, pending: Callable[[], str | None], seconds: float, pause: float = 0.5
) -> float:
    """Wait until `pending` returns None instead of a description of what is missing.

    Returns the seconds that it took.

    Raises:
        TimedOut: something is still missing after `seconds`.
    """
    started_at = time.monotonic()
    while (missing := pending()) is not None:
        if time.monotonic() - started_at > seconds:
            raise TimedOut(f"{what}: not within {seconds:.0f} s; {missing}")
        time.sleep(pause)
    return time.monotonic() - started_at
