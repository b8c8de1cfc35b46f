"""A run that is reported from its beginning to whatever end it finds."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from tuner.errors import RunError, Terminated
from tuner.reasons import Reason
from tuner.reporting.board import Board
from tuner.reporting.run import Run, State
from tuner.reporting.server import serving
from tuner.stop import StopSwitch


@contextmanager
def reported(run: Run, switch: StopSwitch, port: int) -> Iterator[Board]:
    """Serves `run` on `port` while the block changes it. An exception that leaves the block is
    the run's end: FAILED with its error, or STOPPED."""
    board = Board(run)
    with serving(board, switch, port):
        try:
            yield board
        except RunError as error:
            board.post(state=State.FAILED, error=error, end_time=datetime.now(UTC))
            raise
        except Terminated:
            board.post(state=State.STOPPED, end_time=datetime.now(UTC))
            raise
        except Exception as error:
            trouble = unexpected(error)
            board.post(state=State.FAILED, error=trouble, end_time=datetime.now(UTC))
            raise trouble from error


def unexpected(error: Exception) -> RunError:
    """What is said of an error that nobody foresaw."""
    lines = str(error).strip().splitlines()
    what = f"{type(error).__name__}: {lines[-1] if lines else ''}"
    return RunError(
        Reason.TRAINING_FAILED,
        f"the tuner failed unexpectedly: {what}; see the log of the container for the details",
    )
