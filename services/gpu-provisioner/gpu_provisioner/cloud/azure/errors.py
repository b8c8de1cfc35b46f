"""Translates errors of ARM and AKS. No other module reads their messages.

An error is recognized by its code, and by its message only where the code is ambiguous or unknown:
`known_errors` is the table.
"""

import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
)

from gpu_provisioner.cloud.azure import error_document
from gpu_provisioner.cloud.azure.error_document import ErrorDocument
from gpu_provisioner.cloud.azure.error_messages import user_message
from gpu_provisioner.cloud.azure.known_errors import KNOWN_ERRORS, Kind, KnownError
from gpu_provisioner.cloud.errors import (
    CloudError,
    CloudUnavailable,
    LaunchRefused,
    PoolBusy,
    PoolNotFound,
    Unauthorized,
)
from kaito_api.reasons import Reason

# For errors that are not in the table. The order matters: AKS links to its quota page also where a
# size is simply not available.
_UNKNOWN_ERRORS = (
    (re.compile(r"DisabledSubscription|SubscriptionDisabled", re.I), Reason.SUBSCRIPTION_DISABLED),
    (re.compile(r"SkuNotAvailable|VMSizeNotSupported|"
                r"not (allowed|available|supported) in (your subscription|location)", re.I),
     Reason.SKU_NOT_AVAILABLE),
    (re.compile(r"quota", re.I), Reason.QUOTA_EXCEEDED),
    (re.compile(r"AllocationFailed|ZonalAllocation|OverconstrainedAllocation", re.I),
     Reason.INSUFFICIENT_CAPACITY),
)  # fmt: skip
_BUSY = re.compile(r"in progress|OperationNotAllowed|OperationPreempted|Conflict|Etag", re.I)
# Azure uses these codes for many things: only the message says which.
_AMBIGUOUS = frozenset(
    {
        "BadRequest",
        "InvalidParameter",
        "InvalidTemplateDeployment",
        "OperationNotAllowed",
        "ReconcileVMSSAgentPoolFailed",
    }
)
# How soon to retry after a 409 or 412 without Retry-After.
_BUSY_RETRY_SECONDS = 5.0


def failure(detail: Mapping[str, Any]) -> CloudError:
    """Return the error of an operation that was accepted and failed later."""
    document = error_document.read(detail)
    known = find(document)
    if known is not None:
        message = user_message(document, known.code, known.reason, known.remedy)
        return LaunchRefused(known.reason, message)
    return _unknown(document)


def translate(error: AzureError, pool: str) -> CloudError:
    """Return the error for an SDK exception of a call about that pool."""
    if isinstance(error, ClientAuthenticationError):
        return _unauthorized(ErrorDocument((), error.message, error.message))
    if isinstance(error, HttpResponseError):
        return _from_response(error, pool)
    return CloudUnavailable(Reason.CLOUD_UNAVAILABLE, f"Azure does not respond: {error.message}")


def find(document: ErrorDocument) -> KnownError | None:
    """Return the table's row for an error: by the first code that has one, then by its message."""
    for code in document.codes:
        for known in KNOWN_ERRORS:
            if known.code.lower() == code.lower() and _says(known, document):
                return known
    by_message = (known for known in KNOWN_ERRORS if known.pattern)
    return next((k for k in by_message if re.search(k.pattern, document.text, re.I | re.S)), None)


def _says(known: KnownError, document: ErrorDocument) -> bool:
    """Return whether the error, which has the row's code, is the row's error."""
    if known.code not in _AMBIGUOUS:
        return True
    return re.search(known.pattern, document.text, re.I | re.S) is not None


def _from_response(error: HttpResponseError, pool: str) -> CloudError:
    document = error_document.read(_body(error))
    status = error.status_code or 0
    if status == 404 and (isinstance(error, ResourceNotFoundError) or "NotFound" in document.code):
        # ARM hides resources from identities that may not read them.
        if "ResourceGroup" in document.code or "managedClusters" in document.message:
            return _unauthorized(document)
        return PoolNotFound(pool)
    known = find(document)
    if status == 429 or (known is not None and known.kind is Kind.THROTTLED):
        return _unavailable(error, document)
    if known is not None:
        return _from_known(known, error, document, pool)
    if status in (401, 403):
        return _unauthorized(document)
    if status >= 500:
        return _unavailable(error, document)
    refused = _unknown(document)
    is_busy = status in (409, 412) and _BUSY.search(f"{document.code} {document.text}")
    if is_busy and refused.reason == Reason.LAUNCH_FAILED:
        return _busy(error, document, pool)
    return refused


def _from_known(
    known: KnownError, error: HttpResponseError, document: ErrorDocument, pool: str
) -> CloudError:
    message = user_message(document, known.code, known.reason, known.remedy)
    match known.kind:
        case Kind.UNAUTHORIZED:
            return Unauthorized(known.reason, message)
        case Kind.BUSY:
            return _busy(error, document, pool)
        case _ if error.status_code is not None and error.status_code >= 500:
            return CloudUnavailable(known.reason, message, _retry_after_seconds(error))
        case _:
            return LaunchRefused(known.reason, message, _retry_after_seconds(error))


def _unknown(document: ErrorDocument) -> CloudError:
    text = f"{' '.join(document.codes)} {document.text}"
    reason = next(
        (r for pattern, r in _UNKNOWN_ERRORS if pattern.search(text)), Reason.LAUNCH_FAILED
    )
    return LaunchRefused(reason, user_message(document, document.code, reason))


def _unauthorized(document: ErrorDocument) -> CloudError:
    reason = Reason.CLOUD_UNAUTHORIZED
    return Unauthorized(reason, user_message(document, document.code, reason))


def _unavailable(error: HttpResponseError, document: ErrorDocument) -> CloudError:
    text = f"Azure answered {error.status_code} {document.code}: {document.message}"
    return CloudUnavailable(Reason.CLOUD_UNAVAILABLE, text, _retry_after_seconds(error))


def _busy(error: HttpResponseError, document: ErrorDocument, pool: str) -> CloudError:
    return PoolBusy(
        Reason.CLOUD_UNAVAILABLE,
        f"{document.code}: {document.message}",
        _retry_after_seconds(error) or _BUSY_RETRY_SECONDS,
        # AKS names the pool where the operation in progress is on that pool. A 412 is no operation:
        # the pool has changed since it was read.
        cluster_wide=error.status_code != 412
        and re.search(rf"\b{re.escape(pool)}\b", document.text) is None,
    )


def _body(error: HttpResponseError) -> Mapping[str, Any]:
    """Return the response's JSON. What the SDK makes of it lacks `additionalInfo` and subcodes."""
    try:
        body = json.loads(error.response.text()) if error.response is not None else None
    except (ValueError, AttributeError):
        body = None
    return body if isinstance(body, Mapping) else {"message": error.message}


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
