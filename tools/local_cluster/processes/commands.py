"""Runs other programs and waits for them. Knows nothing about clusters."""

import shlex
import subprocess

from tools.local_cluster.errors import CommandFailed


def run(*argv: str, stdin: str | None = None) -> str:
    """The standard output of a program that must succeed.

    Raises:
        CommandFailed: the exit status is not zero; the message ends with the program's output.
    """
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        output = (done.stderr or done.stdout).strip()[-2000:]
        raise CommandFailed(f"`{shlex.join(argv)}` exited with {done.returncode}: {output}")
    return done.stdout


def attempt(*argv: str) -> bool:
    """Whether a program succeeded: for checks, and for removing what may not exist."""
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0
