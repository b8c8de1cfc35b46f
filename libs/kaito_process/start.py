"""Runs a package as the first process of a container: `python -m kaito_process.start PACKAGE ...`.

The kernel drops a signal for the first process that has no handler, and the imports of a service
take seconds. A pod deleted in that time would stay, with its node, until its grace period is over.
"""

import os
import runpy
import signal
import sys
from types import FrameType

# 128 + SIGTERM, as a shell reports it.
_TERMINATED = 143


def main() -> None:
    """SIGTERM ends the process at once, until the package has a handler of its own."""
    signal.signal(signal.SIGTERM, _end)
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _end(number: int, frame: FrameType | None) -> None:
    os._exit(_TERMINATED)


if __name__ == "__main__":
    main()
