"""A failure that was observed, as the status reports it."""

from dataclasses import dataclass

from kaito_api.reasons import Reason


@dataclass(frozen=True, slots=True)
class Failure:
    """`requeue_after_seconds` is set where the failure can pass without any object changing.

    `permanent` failures do not go away by waiting.
    """

    reason: Reason
    message: str
    permanent: bool = False
    requeue_after_seconds: float | None = None
