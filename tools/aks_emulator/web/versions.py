"""The api-versions that each call supports. Pure."""

from tools.aks_emulator.core.errors import ArmError

_CONTAINER = """2023-08-01 2023-10-01 2023-11-01 2024-01-01 2024-02-01 2024-05-01 2024-07-01
2024-08-01 2024-09-01 2024-10-01 2025-01-01 2025-02-01 2025-03-01 2025-04-01 2025-05-01 2025-06-01
2025-07-01 2025-08-01 2025-09-01 2025-10-01 2026-01-01 2026-02-01 2026-03-01 2026-04-01 2026-05-01
2026-06-01 2026-07-01 2026-08-01""".split()
# The SDKs poll operations with the version in the URL that they were given.
_OPERATIONS = ["2016-03-30", "2017-08-31"]

SUPPORTED: dict[str, list[str]] = {
    "subscriptions": "2016-06-01 2019-06-01 2020-01-01 2021-01-01 2022-12-01".split(),
    "managedClusters": _CONTAINER,
    "agentPools": _CONTAINER,
    "operations": _OPERATIONS + _CONTAINER,
    "operationresults": _OPERATIONS + _CONTAINER,
    "usages": """2022-08-01 2022-11-01 2023-03-01 2023-07-01 2023-09-01 2024-03-01 2024-07-01
    2024-11-01 2025-04-01""".split(),
    "skus": "2017-03-30 2017-09-01 2019-04-01 2021-07-01".split(),
}

OPERATION_VERSION = _OPERATIONS[0]


def check(operation: str, version: str | None) -> ArmError | None:
    """The error for a call without a version, or with one that its type does not support."""
    kind = operation.partition(".")[0]
    supported = SUPPORTED[kind]
    if version in supported:
        return None
    if not version:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        return ArmError(status=400, code="MissingApiVersionParameter", message=message)
    message = (
        f"The resource type '{kind}' has no api-version '{version}'. The supported api-versions "
        f"are '{', '.join(supported)}'."
    )
    return ArmError(status=400, code="InvalidApiVersionParameter", message=message)
