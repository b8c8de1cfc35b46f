"""Typed errors of the cloud. Each carries the condition's reason.

CloudError(reason, message, retry_after)
├── PoolNotFound     the pool does not exist (any more)
├── PoolBusy         another operation on the pool or the cluster is in flight
├── Queued           not sent yet: calls are paced, and others are before it
├── LaunchRefused    the cloud will not make this pool: quota, SKU, capacity, bad request
├── Unauthorized     the identity may not
└── CloudUnavailable no answer, throttled, or an error of the cloud's own
"""

from kaito_api.reasons import Reason


class CloudError(Exception):
    """`reason` is of kaito_api.reasons; `retry_after` is in seconds where the cloud named it."""

    def __init__(self, reason: Reason, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_after = retry_after


class PoolNotFound(CloudError):
    def __init__(self, name: str) -> None:
        super().__init__(Reason.LAUNCH_FAILED, f"agent pool {name} does not exist")


class PoolBusy(CloudError):
    """`elsewhere`: what is in flight is not on this pool itself, so every other has to wait too."""

    def __init__(
        self,
        reason: Reason,
        message: str,
        retry_after: float | None = None,
        *,
        elsewhere: bool = False,
    ) -> None:
        super().__init__(reason, message, retry_after)
        self.elsewhere = elsewhere


class Queued(CloudError):
    pass


class LaunchRefused(CloudError):
    pass


class Unauthorized(CloudError):
    pass


class CloudUnavailable(CloudError):
    pass
