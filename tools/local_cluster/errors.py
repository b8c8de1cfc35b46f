"""What can go wrong outside of this program, told so that the reader knows what to do."""


class ClusterError(Exception):
    """Base of everything that the command line prints without a traceback."""


class CommandFailed(ClusterError):
    """A program that we called ended with a non-zero status."""


class PreflightFailed(ClusterError):
    """This machine cannot run the cluster as it is; the message lists why and the remedy."""


class StartFailed(ClusterError):
    """A component did not become ready in time; the message ends with its last log lines."""
