"""Maps ARM's error codes to the reasons that conditions show. No other module reads ARM's
messages."""

import re
from email.utils import parsedate_to_datetime

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
)

from gpu_provisioner.cloud.errors import (
    CloudError,
    CloudUnavailable,
    LaunchRefused,
    PoolBusy,
    PoolNotFound,
    Unauthorized,
)
from kaito_api.reasons import Reason

# Each pattern is searched in the code and in the message, because some codes mean several things.
# The order matters: AKS links to its quota page also where a size is simply not available.
_REFUSALS = (
    (re.compile(r"DisabledSubscription|SubscriptionDisabled|SubscriptionNotEnabled", re.I),
     Reason.SUBSCRIPTION_DISABLED),
    (re.compile(r"SkuNotAvailable|NotAvailableForSubscription|VMSizeNotSupported|"
                r"AvailabilityZoneNotSupported|"
                r"not (allowed|available|supported) in (your subscription|location)", re.I),
     Reason.SKU_NOT_AVAILABLE),
    (re.compile(r"quota", re.I), Reason.QUOTA_EXCEEDED),
    (re.compile(r"AllocationFailed|ZonalAllocation|OverconstrainedAllocation|capacity", re.I),
     Reason.INSUFFICIENT_CAPACITY),
)  # fmt: skip
# AKS lists every size of the region, hundreds of them. Readers need the first sentence and the
# remedy after it.
_SIZE_LIST = re.compile(r"\s*The available VM sizes are '[^']*'[^.]*\.?")
# Characters of Azure's message in a condition.
_MAX_LENGTH = 500
# How soon to retry after a 409 or 412 without Retry-After.
_BUSY_RETRY_SECONDS = 5.0

_BUSY = re.compile(r"in progress|OperationNotAllowed|OperationPreempted|Conflict|Etag", re.I)

# Azure's own message is the better remedy for every other reason.
_WITH_REMEDY = frozenset(
    {
        Reason.QUOTA_EXCEEDED,
        Reason.SKU_NOT_AVAILABLE,
        Reason.SUBSCRIPTION_DISABLED,
        Reason.INSUFFICIENT_CAPACITY,
        Reason.CLOUD_UNAUTHORIZED,
    }
)


def refusal(code: str, message: str) -> CloudError:
    """Return the error for a failed operation or a rejected request."""
    for pattern, reason in _REFUSALS:
        if pattern.search(code) or pattern.search(message):
            return LaunchRefused(reason, _with_remedy(reason, code, message))
    return LaunchRefused(Reason.LAUNCH_FAILED, _with_remedy(Reason.LAUNCH_FAILED, code, message))


def translate(error: AzureError, pool: str) -> CloudError:
    """Return the error for an SDK exception of a call about that pool."""
    if isinstance(error, ClientAuthenticationError):
        return _unauthorized(error.message)
    if isinstance(error, HttpResponseError):
        return _from_response(error, pool)
    return CloudUnavailable(Reason.CLOUD_UNAVAILABLE, f"Azure does not respond: {error.message}")


def _from_response(error: HttpResponseError, pool: str) -> CloudError:
    code = error.error.code if error.error is not None and error.error.code else ""
    message = error.error.message if error.error is not None else error.message
    status = error.status_code or 0
    if status == 404 and (isinstance(error, ResourceNotFoundError) or "NotFound" in code):
        # ARM hides resources from identities that may not read them.
        if "ResourceGroup" in code or "managedClusters" in (message or ""):
            return _unauthorized(f"{code}: {message}")
        return PoolNotFound(pool)
    if status in (401, 403):
        return _unauthorized(f"{code}: {message}")
    if status == 429 or status >= 500:
        text = f"Azure answered {status} {code}: {message}"
        return CloudUnavailable(Reason.CLOUD_UNAVAILABLE, text, _retry_after_seconds(error))
    refused = refusal(code, message or "")
    if (
        status in (409, 412)
        and refused.reason == Reason.LAUNCH_FAILED
        and _BUSY.search(f"{code} {message}")
    ):
        return PoolBusy(
            Reason.CLOUD_UNAVAILABLE,
            f"{code}: {message}",
            _retry_after_seconds(error) or _BUSY_RETRY_SECONDS,
            # AKS names the pool where the operation in progress is on that pool.
            cluster_wide=re.search(rf"\b{re.escape(pool)}\b", message or "") is None,
        )
    return refused


def _unauthorized(message: str | None) -> CloudError:
    reason = Reason.CLOUD_UNAUTHORIZED
    return Unauthorized(reason, _with_remedy(reason, "", message or "Azure rejected the identity"))


def _retry_after_seconds(error: HttpResponseError) -> float | None:
    """Return the seconds of the Retry-After header. A date is relative to the response's own
    Date, so that a wrong clock here does not matter."""
    headers = getattr(error.response, "headers", None) or {}
    value = str(headers.get("Retry-After", ""))
    if value.isdigit():
        return float(value)
    try:
        until, sent = (parsedate_to_datetime(text) for text in (value, str(headers.get("Date"))))
        return max(0.0, (until - sent).total_seconds())
    except ValueError:
        return None


def _with_remedy(reason: Reason, code: str, message: str) -> str:
    text = f"{code}: {message}" if code else message
    text = " ".join(_SIZE_LIST.sub("", text).split())
    if len(text) > _MAX_LENGTH:
        text = text[:_MAX_LENGTH] + " ..."
    return f"{text.rstrip('.')}. {reason.remedy}" if reason in _WITH_REMEDY else text
