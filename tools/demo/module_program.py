"""Programs for the PATH of a user, each of which runs a Python module of this checkout."""

import os
import shlex
import sys
from pathlib import Path


def install(program: Path, module: str, *packages: Path) -> None:
    """Write an executable file that runs the module as this process would.

    `packages` are folders whose packages it finds, too.
    """
    paths = shlex.quote(os.pathsep.join([*sys.path, *map(str, packages)]))
    command = shlex.join((sys.executable, "-m", module))
    program.write_text(f'#!/bin/sh\nPYTHONPATH={paths} exec {command} "$@"\n')
    program.chmod(0o755)
