"""How a process of a training fails because of another, or for another to try again."""

from tuner.errors import RunError
from tuner.reasons import Reason


class PeerLost(RunError):
    """Another process of the training ended. Its own failure says why."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            Reason.TRAINING_STOPPED,
            "the connection to another process of the training is lost; the run resumes from its "
            f"last checkpoint once all processes are there again ({detail})",
        )


class LessMemoryNeeded(RunError):
    """All processes start again with what was recorded to fit."""


class ProcessKilled(RunError):
    """A process was killed, and could not say why."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.TRAINING_STOPPED, message)
