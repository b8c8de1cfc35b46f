"""Why a file cannot be fetched: messages that name its address, what it means, and the remedy."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from tuner.errors import RunError
from tuner.reasons import Reason

# Request Timeout, Too Early, Too Many Requests: the same request may succeed later.
TRANSIENT_STATUSES = frozenset({408, 425, 429})
REMEDY = "check tuning.input.urls and that the address answers from inside the cluster"


class Hint(NamedTuple):
    """What a status means, and what to do. In both, {} stands for what opens the source."""

    meaning: str
    remedy: str


HINTS: Mapping[int, Hint] = {
    401: Hint(
        "so it needs credentials",
        "name a Secret with them in tuning.input.accessSecret, or use a URL that carries them",
    ),
    403: Hint(
        "so the URL's signature is wrong or has expired, or the file is not public",
        "use a new URL, or name a Secret with credentials in tuning.input.accessSecret",
    ),
    404: Hint("so there is no such file", "check tuning.input.urls"),
    410: Hint("so the file has been removed", "use another file"),
}
HINTS_WITH_CREDENTIAL: Mapping[int, Hint] = {
    401: Hint("so {} is wrong or has expired", "correct it"),
    403: Hint("so {} gives no access to it", "use one that does"),
    # Many servers, the hub among them, hide private files in this way.
    404: Hint("so there is no such file, or {} gives no access to it", "check both"),
}


def data_unreachable(
    address: str, problem: str, remedy: str = REMEDY, *, retryable: bool = True
) -> RunError:
    """A RunError(DATA_UNREACHABLE) that names the address of the file."""
    message = f"{address} cannot be fetched: {problem}; {remedy}"
    return RunError(Reason.DATA_UNREACHABLE, message, retryable=retryable)


def refused(
    address: str, status: int, credential: str, reason: str = "", refusal: Hint | None = None
) -> RunError:
    """A RunError for an answer of `status`, to a request that `credential` was to open.

    `refusal` says what 401, 403 and 404 mean, where it is not what they mean for a URL.
    """
    answer = f"the server answered {status} {reason or HTTPStatus(status).phrase}"
    if is_transient(status):
        return data_unreachable(address, answer)
    hint = HINTS.get(status)
    if credential and status in HINTS_WITH_CREDENTIAL:
        hint = HINTS_WITH_CREDENTIAL[status]
    elif refusal is not None and status in HINTS_WITH_CREDENTIAL:
        hint = refusal
    # The server understood the request and refuses it: it would refuse it again.
    if hint is None:
        return data_unreachable(address, answer, retryable=False)
    problem = f"{answer}, {hint.meaning.format(credential)}"
    return data_unreachable(address, problem, hint.remedy, retryable=False)


def is_transient(status: int) -> bool:
    """True if the same request may be answered in another way later."""
    return status in TRANSIENT_STATUSES or status >= 500
