"""The processes of a training end with their launcher, however it ends."""

import ctypes
import signal

# Of linux/prctl.h.
_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Have the kernel kill this process when the one that has started it ends.

    A launcher that is killed ends nothing itself, and its processes would go on and write to the
    results of the run that takes its place.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
