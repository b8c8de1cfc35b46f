"""ARM's errors, and the reasons that users see."""

import json
from dataclasses import dataclass

import pytest
from azure.core.exceptions import HttpResponseError

from gpu_provisioner.cloud.azure.errors import failure, translate
from gpu_provisioner.cloud.errors import CloudUnavailable, PoolBusy
from kaito_api.reasons import Reason

CASES = [
    ("ErrCode_InsufficientVCPUQuota", "Insufficient regional vcpu quota left for location eastus. "
     "left regional vcpu quota 0, requested quota 6.", "QuotaExceeded"),
    ("OperationNotAllowed", "Operation could not be completed as it results in exceeding approved "
     "standardNCSv3Family Cores quota.", "QuotaExceeded"),
    ("SkuNotAvailable", "The requested size is currently not available in location 'eastus'.",
     "SkuNotAvailable"),
    ("BadRequest", "The VM size of Standard_X is not allowed in your subscription in location "
     "'eastus'.", "SkuNotAvailable"),
    ("BadRequest", "The VM size of Standard_X is not allowed in your subscription in location "
     "'eastus'. The available VM sizes are 'standard_a,standard_b'. For more details, please visit "
     "https://aka.ms/cpu-quota", "SkuNotAvailable"),
    ("AllocationFailed", "Allocation failed. We do not have sufficient capacity for the requested "
     "VM size in this region.", "InsufficientCapacity"),
    ("ZonalAllocationFailed", "", "InsufficientCapacity"),
    ("InternalError", "Something broke", "LaunchFailed"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "message", "reason"), CASES, ids=[c[0] + c[2] for c in CASES])
def test_refusals_have_a_reason(code: str, message: str, reason: str) -> None:
    error = failure({"code": code, "message": message})
    assert error.reason == reason
    assert code in error.message


def test_list_of_sizes_is_removed_and_remedy_kept() -> None:
    sizes = ",".join(f"standard_d{number}s_v5" for number in range(200))
    start = "The VM size of X is not allowed in your subscription in location 'eastus'."
    message = f"{start} The available VM sizes are '{sizes}'."
    error = failure({"code": "BadRequest", "message": message}).message
    assert "standard_d7s_v5" not in error
    assert error.endswith(Reason.SKU_NOT_AVAILABLE.remedy)


def test_long_message_is_cut() -> None:
    assert len(failure({"code": "InternalError", "message": "x" * 5000}).message) < 600


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17.0),
        ({"Retry-After": "Thu, 26 Nov 2026 10:00:30 GMT",
          "Date": "Thu, 26 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"Retry-After": "Thu, 26 Nov 2026 10:00:30 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
    ids=["seconds", "a date", "a date without the answer's own", "neither", "none"],
)  # fmt: skip
def test_retry_after_is_parsed(headers: dict[str, str], seconds: float | None) -> None:
    error = translate(answered(429, "TooManyRequests", "slow down", headers), "ws1")
    assert isinstance(error, CloudUnavailable)
    assert error.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("message", "cluster_wide"),
    [
        ("there's an in progress upgrade managed cluster operation on the managed cluster", True),
        ("Another agentpool operation (nodepool1 - Creating) is in progress", True),
        ("Another agentpool operation (ws1 - Deleting) is in progress", False),
        ("there's an in progress delete node pool operation on the agent pool 'ws1'", False),
        ("Another agentpool operation (ws12 - Creating) is in progress", True),
    ],
)
def test_busy_error_tells_pool_from_cluster(message: str, cluster_wide: bool) -> None:
    error = translate(answered(409, "OperationNotAllowed", message, {}), "ws1")
    assert isinstance(error, PoolBusy)
    assert error.cluster_wide is cluster_wide


@dataclass(frozen=True, slots=True)
class Answer:
    """The part of an HTTP response that the SDK's errors need."""

    status_code: int
    headers: dict[str, str]
    body: str
    reason: str = ""
    request: object = None

    def text(self) -> str:
        return self.body


def answered(status: int, code: str, message: str, headers: dict[str, str]) -> HttpResponseError:
    body = json.dumps({"error": {"code": code, "message": message}})
    return HttpResponseError(response=Answer(status, headers, body))
