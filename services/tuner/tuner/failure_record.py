"""Remembers a permanent failure for the next process of the pod.

The kubelet restarts a failed container again and again, and keeps the pod's volumes. Without the
record, each restart would load the model on the GPU and train, only to fail in the same way.
"""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tuner.errors import RunError, unexpected_error
from tuner.reasons import Reason


@contextmanager
def recorded_failures(
    path: Path, attempt: str, reasons: Collection[Reason] = tuple(Reason)
) -> Iterator[None]:
    """Within the block, record a permanent failure of `attempt` at `path`; raise one recorded.

    `attempt` identifies pod and inputs: another pod, or other inputs, may succeed. If it is empty,
    nothing is recorded. Failures with other `reasons` are not, either.

    Raises:
        RunError: the block failed, now or in an earlier process.
    """
    earlier = _read(path, attempt)
    if earlier is not None:
        raise earlier
    try:
        yield
    except Exception as error:
        failure = error if isinstance(error, RunError) else unexpected_error(error)
        if attempt and not failure.retryable and failure.reason in reasons:
            record = {"attempt": attempt, "reason": failure.reason, "message": failure.message}
            # The volume may be what failed; the error itself counts.
            with suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(record))
        raise


def _read(path: Path, attempt: str) -> RunError | None:
    try:
        record = json.loads(path.read_bytes())
        if not attempt or record["attempt"] != attempt:
            return None
        return RunError(Reason(record["reason"]), record["message"], retryable=False)
    except (OSError, ValueError, KeyError, TypeError):
        return None
