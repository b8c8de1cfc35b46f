"""`kubectl kaito` of this checkout, against the cluster that a Kubectl names."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools import venvs
from tools.demo import module_program
from tools.demo.kubectl import CommandFailed, Kubectl

Document = dict[str, Any]
_MODULE = "kubectl_kaito"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Document:
        """Raises:
        CommandFailed: it printed no JSON.
        """
        try:
            found: Document = json.loads(self.out)
        except ValueError as error:
            raise CommandFailed(f"exit code {self.code}: {self.out}{self.err}") from error
        return found


@dataclass(frozen=True, slots=True)
class Plugin:
    """`environment` are variables beside those of this process."""

    kubectl: Kubectl
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, timeout: float = 120) -> Answer:
        """Run a verb, whatever its exit code.

        Raises:
            CommandFailed: it does not finish in time.
        """
        command = [sys.executable, "-m", _MODULE, *arguments, *self.kubectl.flags]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=timeout, check=False,
                env={**os.environ, **self.environment},
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            shown = " ".join(arguments)
            raise CommandFailed(f"kubectl kaito {shown}: not within {timeout:.0f} s") from error
        return Answer(done.returncode, done.stdout, done.stderr)

    def why(self, name: str, namespace: str = "default") -> Document:
        """The explanation of a Workspace.

        Raises:
            CommandFailed: there is none.
        """
        return self.run("why", name, "-n", namespace, "-o", "json").json


def install(folder: Path) -> None:
    """Write the program that kubectl finds if the folder is on the PATH, with what reads datasets:
    as `pipx inject kubectl-kaito fsspec numpy pyarrow`, in the versions of the models' lock."""
    injected = folder / "injected"
    injected.mkdir()
    packages = next((venvs.make("models") / "lib").glob("python*/site-packages"))
    for package in ("fsspec", "numpy", "numpy.libs"):
        (injected / package).symlink_to(packages / package)
    module_program.install(folder / "kubectl-kaito", _MODULE, injected)
