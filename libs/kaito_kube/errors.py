"""What the API server may answer instead of what was asked.

ClusterError
├── NotFound         no such object, or no such kind
├── AlreadyExists    create of a name that is taken
├── Conflict         the object changed since it was read
├── Forbidden        RBAC or admission refused
├── Invalid          schema or CEL refused; the message names the field
├── Expired          a watch's resource version is too old: list again
├── Throttled        too many requests, or an eviction that a budget forbids now
├── Unavailable      no answer, or one that says to try later
└── NotLeader       this process does not lead (any more), and so changes nothing
"""


class ClusterError(Exception):
    """Something the API server refused. The message is its own."""


class NotFound(ClusterError):
    pass


class AlreadyExists(ClusterError):
    pass


class Conflict(ClusterError):
    pass


class Forbidden(ClusterError):
    pass


class Invalid(ClusterError):
    pass


class Expired(ClusterError):
    pass


class Throttled(ClusterError):
    pass


class Unavailable(ClusterError):
    pass


class NotLeader(ClusterError):
    pass


_BY_CODE: dict[int, type[ClusterError]] = {
    400: Invalid,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Expired,
    422: Invalid,
    429: Throttled,
}

# An apply of a field that the kind does not have is answered with 500, as if the server had failed.
_UNFIT = "failed to create typed patch object"


def from_status(code: int, reason: str, message: str) -> ClusterError:
    """The error for an HTTP status and the `reason` of its Status body."""
    if code == 409 and reason == "AlreadyExists":
        return AlreadyExists(message)
    if message.startswith(_UNFIT):
        return Invalid(message)
    return _BY_CODE.get(code, Unavailable)(message)
