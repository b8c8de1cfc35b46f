"""Typed errors of the cloud. Each carries the reason that a condition shows.

CloudError(reason, message, retry_after_seconds)
├── PoolNotFound      the agent pool does not exist
├── PoolExists        there is a pool of that name already
├── PoolBusy          another operation on the pool or on the cluster is in progress
├── Throttled         not sent yet: this process paces its calls
├── LaunchRefused     the cloud rejects the pool: quota, SKU, capacity or an invalid request
├── Unauthorized      the identity lacks a permission
└── CloudUnavailable  no response, throttling by the cloud, or a server error
"""

from kaito_api.reasons import Reason


class CloudError(Exception):
    """`retry_after_seconds` is None where the cloud
    did not ask for a delay."""

    def __init__(
        self, reason: Reason, message: str, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_after_seconds = retry_after_seconds


class PoolNotFound(CloudError):
    def __init__(self, name: str) -> None:
        super().__init__(Reason.LAUNCH_FAILED, f"agent pool {name} does not exist")


class PoolExists(CloudError):
    """Nothing was created or changed: whose pool it is shows only by reading it."""

    def __init__(self, name: str) -> None:
        super().__init__(Reason.LAUNCH_FAILED, f"agent pool {name} exists already")


class PoolBusy(CloudError):
    """`cluster_wide` means that the operation in progress is not on this pool, so operations on
    every other pool have to wait too."""

    def __init__(
        self,
        reason: Reason,
        message: str,
        retry_after_seconds: float | None = None,
        *,
        cluster_wide: bool = False,
    ) -> None:
        super().__init__(reason, message, retry_after_seconds)
        self.cluster_wide = cluster_wide


class Throttled(CloudError):
    """The call waits for its turn; the cloud has not seen it."""


class LaunchRefused(CloudError):
    """The cloud does not create this pool."""


class Unauthorized(CloudError):
    """The identity of this process may not make the call."""


class CloudUnavailable(CloudError):
    """The cloud did not process the call, which says nothing about the pool."""
