"""The page of cloud errors: what Azure answers, and what it means here."""

from gpu_provisioner.cloud.azure.known_errors import KNOWN_ERRORS, KnownError
from gpu_provisioner.lifecycle.retry_pause import pause_for
from gpu_provisioner.offerings.unavailable_offerings import UNAVAILABLE_TTL
from kaito_api.reasons import Reason
from tools.docgen.markdown import code, page, prose, table

_INTRODUCTION = prose(
    "These are the errors of AKS and of Azure's compute service that gpu-provisioner recognizes: "
    "by their code first, and by their message only where a code means several things or is not in "
    "the table. Errors that AKS wraps are unwrapped. The condition of the claim and of the "
    "Workspace has the reason, and its message quotes Azure's and adds the remedy."
)
_COLUMNS = prose(
    "*Status* is the HTTP status, or `late` if AKS accepts the request and the operation fails. "
    "*Sets the size aside* says whether other claims avoid the instance type for that time. "
    "*Pause* is the time to the next try, which doubles up to the maximum while the reason stays; "
    "a Retry-After of Azure replaces it, and so does another instance type that may be used."
)


def text() -> str:
    return page(
        "Cloud errors", _INTRODUCTION, "## By code", _COLUMNS, _all(), "## What to do", _remedies()
    )


def _all() -> str:
    header = ("Code", "Status", "Message", "Reason", "Sets the size aside", "Pause", "Source")
    return table(header, map(_row, KNOWN_ERRORS))


def _row(known: KnownError) -> tuple[str, ...]:
    pause = pause_for(known.reason)
    return (
        code(known.code),
        str(known.status or "late"),
        _quoted(known.message),
        code(known.reason.value),
        _set_aside(known.reason),
        f"{pause.first_seconds:.0f} s to {pause.max_seconds:.0f} s",
        f"[source]({known.source})",
    )


def _set_aside(reason: Reason) -> str:
    ttl = UNAVAILABLE_TTL.get(reason)
    return "no" if ttl is None else f"{ttl.total_seconds() / 60:.0f} min"


def _quoted(message: str) -> str:
    """Return the message as code: it contains brackets and addresses that are no links."""
    return code(message.replace("`", "'"))


def _remedies() -> str:
    reasons = dict.fromkeys(known.reason for known in KNOWN_ERRORS)
    special = {(known.code, known.remedy) for known in KNOWN_ERRORS if known.remedy}
    rows = [(code(reason.value), reason.remedy) for reason in reasons]
    rows += [(code(name), remedy) for name, remedy in sorted(special)]
    return table(("Reason or code", "What to do"), rows)
