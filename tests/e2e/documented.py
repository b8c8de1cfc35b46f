"""Runs the shell commands of a documentation page as they are printed."""

import os
import re
import subprocess
import textwrap
from collections.abc import Mapping
from pathlib import Path

from tools.demo.kubectl import CommandFailed
from tools.local_cluster.paths import Paths
from tools.venvs import ROOT

_SECTION = re.compile(r"^## (?P<title>.+?)\n(?P<body>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^(?P<indent> *)```sh\n(?P<code>.*?)^ *```", re.MULTILINE | re.DOTALL)


def blocks(page: Path, section: str) -> list[str]:
    """The code blocks of a section, in their order."""
    (body,) = (m["body"] for m in _SECTION.finditer(page.read_text()) if m["title"] == section)
    return [textwrap.dedent(match["code"]).strip() for match in _BLOCK.finditer(body)]


def run_block(block: str, paths: Paths, variables: Mapping[str, str], more: str = "") -> str:
    """Run one block with the local cluster's kubectl and helm; `more` is appended to its end.

    Raises:
        CommandFailed: a command fails.
    """
    environment = {
        **os.environ,
        **variables,
        "PATH": f"{paths.bin}:{os.environ['PATH']}",
        "KUBECONFIG": str(paths.kubeconfig),
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{block} {more}"],
        env=environment, cwd=ROOT, check=False, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    if done.returncode:
        raise CommandFailed(f"{block}\n{done.stdout}{done.stderr}")
    print(f"$ {block}\n{done.stdout}", flush=True)
    return done.stdout
