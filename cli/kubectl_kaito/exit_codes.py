"""The exit codes, which scripts can rely on. docs/kubectl-kaito.md lists them."""

from enum import IntEnum


class ExitCode(IntEnum):
    OK = 0
    # The command worked, and what it was asked about is failing or impossible.
    FAILING = 1
    # The command line is wrong; the parser of options uses the same code.
    USAGE = 2
    # No kubeconfig, no response, or credentials that the cluster does not accept.
    UNREACHABLE = 3
    # No such Workspace or preset.
    NOT_FOUND = 4
    # The cluster answered, and refuses: rights, validation, a policy.
    REFUSED = 5
    # A bug: EX_SOFTWARE of sysexits.h.
    BUG = 70
