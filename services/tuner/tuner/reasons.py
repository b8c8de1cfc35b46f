"""Why a run can fail, as the reason that the Workspace's condition carries.

The tuner cannot import the control plane's table of reasons (libs/kaito_api/reasons.py), which
holds their meanings and remedies; tests/contracts keeps the two in step.
"""

from enum import StrEnum


class Reason(StrEnum):
    """The tuner's part of the project's table of reasons."""

    DATA_UNREACHABLE = "DataUnreachable"
    DATA_UNREADABLE = "DataUnreadable"
    DATA_ROWS_LOST = "DataRowsLost"
    DATA_COLUMN_MISSING = "DataColumnMissing"
    DATA_EMPTY = "DataEmpty"
    DATA_TOO_LARGE = "DataTooLarge"
    CONFIG_INVALID = "ConfigInvalid"
    MODEL_LOAD_FAILED = "ModelLoadFailed"
    OUT_OF_MEMORY = "OutOfMemory"
    TRAINING_FAILED = "TrainingFailed"
    TRAINING_STOPPED = "TrainingStopped"
    PUSH_UNAUTHORIZED = "PushUnauthorized"
    REGISTRY_UNREACHABLE = "RegistryUnreachable"
    PUSH_FAILED = "PushFailed"
    SIGNING_KEY_INVALID = "SigningKeyInvalid"


RETRYABLE = frozenset(
    {
        Reason.DATA_UNREACHABLE,
        Reason.TRAINING_STOPPED,
        Reason.PUSH_UNAUTHORIZED,
        Reason.REGISTRY_UNREACHABLE,
        Reason.PUSH_FAILED,
        Reason.SIGNING_KEY_INVALID,
    }
)
"""Reasons that may go away without a change to the Workspace."""
