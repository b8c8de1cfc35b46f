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

# Code (or a word of the message, for codes that mean several things) to reason. In this order:
# AKS points to its quota page also where a size is simply not sold.
_REFUSALS = (
    (re.compile(r"DisabledSubscription|SubscriptionDisabled|SubscriptionNotEnabled", re.I),
     "SubscriptionDisabled"),
    (re.compile(r"SkuNotAvailable|NotAvailableForSubscription|VMSizeNotSupported|"
                r"AvailabilityZoneNotSupported|"
                r"not (allowed|available|supported) in (your subscription|location)", re.I),
     "SkuNotAvailable"),
    (re.compile(r"quota", re.I), "QuotaExceeded"),
    (re.compile(r"AllocationFailed|ZonalAllocation|OverconstrainedAllocation|capacity", re.I),
     "InsufficientCapacity"),
)  # fmt: skip
# AKS lists every size it sells; a reader needs the first sentence, and our remedy after it.
_LISTS = re.compile(r"\s*The available VM sizes are '[^']*'[^.]*\.?")
_LONGEST = 500

_BUSY = re.compile(r"in progress|OperationNotAllowed|OperationPreempted|Conflict|Etag", re.I)

_REMEDIES = {
    "QuotaExceeded": "Ask for more quota of that family in that region, or use another "
    "resource.instanceType.",
    "SkuNotAvailable": "Use another resource.instanceType, region or zone.",
    "SubscriptionDisabled": "Set it right in the Azure portal (bill, spending limit).",
    "InsufficientCapacity": "It is tried again; or use another resource.instanceType.",
    "CloudUnauthorized": "Give gpu-provisioner's identity the Contributor role on the AKS cluster "
    "and check its federated credential.",
}


def refusal(code: str, message: str) -> CloudError:
    """The error for what an operation ended with, or what a request was answered."""
    for pattern, reason in _REFUSALS:
        if pattern.search(code) or pattern.search(message):
            return LaunchRefused(reason, _with_remedy(reason, code, message))
    return LaunchRefused("LaunchFailed", _with_remedy("LaunchFailed", code, message))


def translate(error: AzureError, pool: str) -> CloudError:
    """The error for an exception of the SDK about that pool."""
    if isinstance(error, ClientAuthenticationError):
        return _unauthorized(error.message)
    if isinstance(error, HttpResponseError):
        return _answered(error, pool)
    return CloudUnavailable("CloudUnavailable", f"Azure does not answer: {error.message}")


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
        return CloudUnavailable("CloudUnavailable", told, _retry_after(error))
    refused = refusal(code, message or "")
    if (
        status in (409, 412)
        and refused.reason == "LaunchFailed"
        and _BUSY.search(f"{code} {message}")
    ):
        return PoolBusy(
            "CloudUnavailable",
            f"{code}: {message}",
            _retry_after(error) or 5.0,
            elsewhere=re.search(rf"\b{re.escape(pool)}\b", message or "") is None,
        )
    return refused


def _unauthorized(message: str | None) -> CloudError:
    reason = "CloudUnauthorized"
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


def _with_remedy(reason: str, code: str, message: str) -> str:
    told = f"{code}: {message}" if code else message
    told = " ".join(_LISTS.sub("", told).split())
    if len(told) > _LONGEST:
        told = told[:_LONGEST] + " ..."
    remedy = _REMEDIES.get(reason, "")
    return f"{told.rstrip('.')}. {remedy}".strip() if remedy else told
