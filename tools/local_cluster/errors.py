"""The errors of this tool. Each message says what is wrong and what to do about it."""


class ClusterError(Exception):
    """Base class; the command line prints these without a traceback."""


class CommandFailed(ClusterError):
    """A child program exited with a non-zero status."""


class PreflightFailed(ClusterError):
    """This machine cannot run the cluster; the message lists each problem and its remedy."""


class StartFailed(ClusterError):
    """A component did not become ready in time; the message ends with its last log lines."""
