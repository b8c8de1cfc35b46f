"""What ends a command early, as one line for the user.

CommandError
├── UsageError       an option or a file is wrong
├── NotFoundError    no such Workspace or preset
└── NotInstalledError the cluster does not serve Workspaces
"""

from kubectl_kaito.exit_codes import ExitCode


class CommandError(Exception):
    """The message names what is wrong, its value, and what to do."""

    exit_code = ExitCode.FAILING


class UsageError(CommandError):
    exit_code = ExitCode.USAGE


class NotFoundError(CommandError):
    exit_code = ExitCode.NOT_FOUND


class NotInstalledError(CommandError):
    exit_code = ExitCode.NOT_FOUND
