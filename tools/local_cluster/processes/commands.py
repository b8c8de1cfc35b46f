"""Runs other programs to their end. Knows nothing of clusters."""

import shlex
import subprocess

from tools.local_cluster.errors import CommandFailed


def run(*argv: str, stdin: str | None = None) -> str:
    """Standard output of a program that must succeed; raises CommandFailed with its last words."""
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        words = (done.stderr or done.stdout).strip()[-2000:]
        raise CommandFailed(f"`{shlex.join(argv)}` ended with {done.returncode}: {words}")
    return done.stdout


def attempt(*argv: str) -> bool:
    """Whether a program succeeded, for questions and for tidying what may not be there."""
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0
