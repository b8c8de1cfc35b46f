"""The message that users read about an error of Azure: its code, its message, the remedy. Pure."""

import re

from gpu_provisioner.cloud.azure.error_document import ErrorDocument
from kaito_api.reasons import Reason

# AKS lists every size of the region, hundreds of them. Readers need the first sentence and the
# remedy after it.
_SIZE_LIST = re.compile(r"\s*The available VM sizes are '[^']*'[^.]*\.?")
# Ids of policies say nothing that their names do not say, and are several lines long.
_IDENTIFIERS = re.compile(r"\s*(Policy identifiers: '.*?\]'\.?|See error details for policy "
                          r"resource IDs\.?)", re.S)  # fmt: skip
# Characters of Azure's message in a condition.
_MAX_LENGTH = 500
# These name what the reader has to change, the subnet or the lock at their end, behind long ids; a
# policy's message is written for that reader. The maximum is what the conditions of a claim can
# hold beside it.
_KEPT_WHOLE = frozenset(
    {
        Reason.POLICY_DENIED,
        Reason.SUBNET_UNAUTHORIZED,
        Reason.CLOUD_UNAUTHORIZED,
        Reason.RESOURCE_LOCKED,
    }
)
_MAX_WHOLE_LENGTH = 8000
# Azure's own message is the better remedy for every other reason.
_WITHOUT_REMEDY = frozenset({Reason.LAUNCH_FAILED, Reason.CLOUD_UNAVAILABLE})


def user_message(document: ErrorDocument, code: str, reason: Reason, remedy: str = "") -> str:
    """Return Azure's message and the remedy. `remedy` replaces the reason's."""
    if reason is Reason.POLICY_DENIED:
        text = _policy_text(document)
    else:
        length = _MAX_WHOLE_LENGTH if reason in _KEPT_WHOLE else _MAX_LENGTH
        text = _shortened(_SIZE_LIST.sub("", document.message), length)
    if code and code not in text:
        text = f"{code}: {text}"
    remedy = remedy or ("" if reason in _WITHOUT_REMEDY else reason.remedy)
    if remedy and not text.endswith(" ..."):
        text = text.rstrip(".") + "."
    return f"{text} {remedy}" if remedy else text


def _policy_text(document: ErrorDocument) -> str:
    message = _IDENTIFIERS.sub("", document.message) or document.message
    names = ", ".join(f'"{name}"' for name in document.policies if name and name not in message)
    label = "assignment" if len(document.policies) == 1 else "assignments"
    by = f" (policy {label} {names})" if names else ""
    return f"{_shortened(message, _MAX_WHOLE_LENGTH).rstrip('.')}{by}"


def _shortened(text: str, length: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else f"{text[:length]} ..."
