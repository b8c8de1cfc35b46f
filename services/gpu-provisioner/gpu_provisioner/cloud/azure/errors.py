"""From ARM's error codes to our reasons. The one place that reads the cloud's words."""

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

# Code (or a word of the message, for codes that mean several things) to reason. In this order:
# AKS points to its quota page also where a size is simply not sold.
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
# AKS lists every size it sells; a reader needs the first sentence, and our remedy after it.
_LISTS = re.compile(r"\s*The available VM sizes are '[^']*'[^.]*\.?")
_LONGEST = 500

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
    """The error for what an operation ended with, or what a request was answered."""
    for pattern, reason in _REFUSALS:
        if pattern.search(code) or pattern.search(message):
            return LaunchRefused(reason, _with_remedy(reason, code, message))
    return LaunchRefused(Reason.LAUNCH_FAILED, _with_remedy(Reason.LAUNCH_FAILED, code, message))


def translate(error: AzureError, pool: str) -> CloudError:
    """The error for an exception of the SDK about that pool."""
    if isinstance(error, ClientAuthenticationError):
        return _unauthorized(error.message)
    if isinstance(error, HttpResponseError):
        return _answered(error, pool)
    return CloudUnavailable(Reason.CLOUD_UNAVAILABLE, f"Azure does not answer: {error.message}")


def _answered(error: HttpResponseError, pool: str) -> CloudError:
    code = error.error.code if error.error is not None and error.error.code else ""
    message = error.error.message if error.error is not None else error.message
    status = error.status_code or 0
    if status == 404 and (isinstance(error, ResourceNotFoundError) or "NotFound" in code):
        if "ResourceGroup" in code or "managedClusters" in (message or ""):
            return _unauthorized(f"{code}: {message}")
        return PoolNotFound(pool)
    if status in (401, 403):
        return _unauthorized(f"{code}: {message}")
    if status == 429 or status >= 500:
        told = f"Azure answered {status} {code}: {message}"
        return CloudUnavailable(Reason.CLOUD_UNAVAILABLE, told, _retry_after(error))
    refused = refusal(code, message or "")
    if (
        status in (409, 412)
        and refused.reason == Reason.LAUNCH_FAILED
        and _BUSY.search(f"{code} {message}")
    ):
        return PoolBusy(
            Reason.CLOUD_UNAVAILABLE,
            f"{code}: {message}",
            _retry_after(error) or 5.0,
            elsewhere=re.search(rf"\b{re.escape(pool)}\b", message or "") is None,
        )
    return refused


def _unauthorized(message: str | None) -> CloudError:
    reason = Reason.CLOUD_UNAUTHORIZED
    return Unauthorized(reason, _with_remedy(reason, "", message or "Azure refused the identity"))


def _retry_after(error: HttpResponseError) -> float | None:
    """In seconds; a date is measured against the answer's own."""
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
    told = f"{code}: {message}" if code else message
    told = " ".join(_LISTS.sub("", told).split())
    if len(told) > _LONGEST:
        told = told[:_LONGEST] + " ..."
    return f"{told.rstrip('.')}. {reason.remedy}" if reason in _WITH_REMEDY else told
