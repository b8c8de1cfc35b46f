"""The errors that every `Cluster` raises.

ClusterError
├── NotFound         no such object, or no such kind
├── AlreadyExists    create of a name that is taken
├── Conflict         the object changed since it was read
├── Forbidden        RBAC or admission rejected the request
├── Invalid          schema or CEL rejected the object; the message names the field
├── Expired          a watch's resource version is too old: list again
├── Throttled        too many requests, or a disruption budget forbids an eviction for now
├── Unavailable      no response, or a server error; retry later
└── NotLeader        this process is not the leader, so the write was not sent
"""


class ClusterError(Exception):
    """A request that the API server rejected, with the server's message."""


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

# Server-side apply of a field that is not in the schema returns 500, but retrying cannot help.
_NOT_IN_SCHEMA = "failed to create typed patch object"


def from_status(code: int, reason: str, message: str) -> ClusterError:
    """The error for an HTTP status code and the `reason` and message of its Status body."""
    if code == 409 and reason == "AlreadyExists":
        return AlreadyExists(message)
    if message.startswith(_NOT_IN_SCHEMA):
        return Invalid(message)
    return _BY_CODE.get(code, Unavailable)(message)
