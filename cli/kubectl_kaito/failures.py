"""What the user reads when a command cannot go on, and its exit code."""

import traceback
from typing import TextIO

from kaito_kube.errors import (
    AlreadyExists,
    ClusterError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
)
from kubectl_kaito.errors import CommandError
from kubectl_kaito.exit_codes import ExitCode

_REFUSALS = (AlreadyExists, Conflict, Forbidden, Invalid)
_BUG = (
    "this is a bug of kubectl-kaito: please report it with the command and the output of the same "
    "command with KAITO_DEBUG=1 in front"
)


def report(error: Exception, stderr: TextIO, *, debug: bool) -> int:
    """Prints the error as one line, and its traceback if `debug`."""
    if debug:
        stderr.write("".join(traceback.format_exception(error)))
    message, code = explain(error)
    stderr.write(f"error: {message}\n")
    return code


def explain(error: Exception) -> tuple[str, int]:
    match error:
        case CommandError():
            return str(error), error.exit_code
        case NotFound():
            return str(error), ExitCode.NOT_FOUND
        case ClusterError() if isinstance(error, _REFUSALS):
            return f"the cluster refuses: {error}", ExitCode.REFUSED
        case ClusterError():
            return str(error), ExitCode.UNREACHABLE
    detail = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{detail[:300]}; {_BUG}", ExitCode.BUG
