"""Calls to Resource Manager without HTTP: paths, versions, tokens, headers and faults."""

import pytest

from tests.aks_emulator.builders import (
    IDS,
    ISSUER,
    NOW,
    POOLS,
    ManualClock,
    call,
    error_code,
    error_message,
    fault,
    put,
)
from tools.aks_emulator.web import arm
from tools.aks_emulator.web.context import Context
from tools.aks_emulator.web.messages import Request
from tools.aks_emulator.web.rate_limits import Enforcement

COMPUTE = f"{IDS.subscription_id}/providers/Microsoft.Compute"
ELSEWHERE = IDS.cluster_id.replace("kaito-local", "other")


@pytest.mark.parametrize(
    ("method", "path", "version", "status", "code"),
    [
        pytest.param("GET", IDS.cluster_id, "2026-08-01", 200, None, id="cluster"),
        pytest.param("GET", IDS.cluster_id.upper(), "2026-08-01", 200, None, id="any case"),
        pytest.param("GET", POOLS, "2026-08-01", 200, None, id="pools"),
        pytest.param("GET", f"{POOLS}/no", "2026-08-01", 404, "NotFound", id="no such pool"),
        pytest.param("GET", ELSEWHERE, "2026-08-01", 404, "ResourceNotFound", id="no cluster"),
        pytest.param(
            "GET", POOLS.replace("kaito-rg", "x"), "2026-08-01", 404, "ResourceGroupNotFound",
            id="no group",
        ),
        pytest.param(
            "GET", "/subscriptions/x", "2022-12-01", 404, "SubscriptionNotFound", id="no account"
        ),
        pytest.param("GET", POOLS, None, 400, "MissingApiVersionParameter", id="no version"),
        pytest.param(
            "GET", POOLS, "2099-01-01", 400, "InvalidApiVersionParameter", id="unknown version"
        ),
        pytest.param("PATCH", POOLS, "2026-08-01", 405, "UnsupportedMediaType", id="method"),
        pytest.param("GET", "/nowhere", "2026-08-01", 404, "InvalidResourceType", id="path"),
        pytest.param("GET", f"{COMPUTE}/skus", "2021-07-01", 200, None, id="skus"),
        pytest.param(
            "GET", f"{COMPUTE}/locations/eastus/usages", "2024-07-01", 200, None, id="usages"
        ),
        pytest.param(
            "GET", f"{COMPUTE}/locations/mars/usages", "2024-07-01", 400,
            "LocationNotAvailableForResourceType", id="usages elsewhere",
        ),
    ],
)  # fmt: skip
def test_path_and_version_are_checked(
    context: Context, method: str, path: str, version: str | None, status: int, code: str | None
) -> None:
    response = call(context, method, path, version=version)
    assert (response.status, error_code(response)) == (status, code)


def test_unknown_path_error_names_the_path(context: Context) -> None:
    response = call(context, "GET", "/subscriptions/x/what")
    assert "GET /subscriptions/x/what" in error_message(response)
    assert context.azure.calls["unknown"] == 1


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        pytest.param(None, "AuthenticationFailed", id="none"),
        pytest.param("Basic x", "AuthenticationFailed", id="basic"),
        pytest.param("Bearer x", "InvalidAuthenticationToken", id="no token"),
        pytest.param(
            f"Bearer {ISSUER.token('c', 'https://localhost:8443', NOW - 4000)}",
            "ExpiredAuthenticationToken", id="expired",
        ),
        pytest.param(
            f"Bearer {ISSUER.token('c', 'https://vault.azure.net', NOW)}",
            "InvalidAuthenticationTokenAudience", id="for something else",
        ),
    ],
)  # fmt: skip
def test_invalid_token_is_rejected(context: Context, authorization: str | None, code: str) -> None:
    headers = {"authorization": authorization} if authorization else {}
    response = arm.handle(context, Request(method="GET", path=POOLS, headers=headers))
    assert (response.status, error_code(response)) == (401, code)
    assert "WWW-Authenticate" in response.headers


def test_operation_ends_and_location_reports_it(context: Context, clock: ManualClock) -> None:
    context.azure.faults = (fault("never-joins"),)
    started = put(context, "ws1")
    assert started.status == 201
    status = started.headers["Azure-AsyncOperation"].removeprefix("https://localhost:8443")
    path, _, query = status.partition("?api-version=")
    polled = call(context, "GET", path, version=query)
    assert polled.body is not None
    assert polled.body["status"] == "InProgress"
    assert polled.headers["Retry-After"] == "1"
    result = path.replace("/operations/", "/operationresults/")
    assert call(context, "GET", result, version=query).status == 202
    clock.now += 2
    ended = call(context, "GET", path, version=query)
    assert ended.body is not None
    assert ended.body["status"] == "Succeeded"
    assert call(context, "GET", result, version=query).status == 204
    again = put(context, "ws1")
    assert again.status == 200
    deleted = call(context, "DELETE", f"{POOLS}/other")
    assert deleted.status == 204


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("throttled", 429, "TooManyRequests"),
        ("server-error", 500, "InternalOperationError"),
        ("forbidden", 403, "AuthorizationFailed"),
        ("conflict", 409, "OperationNotAllowed"),
        ("subscription-disabled", 409, "ReadOnlyDisabledSubscription"),
    ],
)
def test_fault_rejects_the_call(context: Context, kind: str, status: int, code: str) -> None:
    context.azure.faults = (fault(kind, operation="agentPools.put", count=1),)
    response = put(context, "ws1")
    assert (response.status, error_code(response)) == (status, code)
    assert "ws1" not in context.azure.state.pools
    assert put(context, "ws1").status == 201


def test_lost_response_drops_the_connection_after_taking_effect(context: Context) -> None:
    context.azure.faults = (fault("lost-response", operation="agentPools.put", pool="ws1"),)
    assert put(context, "ws1").drop_connection
    assert "ws1" in context.azure.state.pools
    assert not put(context, "ws2").drop_connection


def test_every_response_has_request_id_and_remaining_calls(context: Context) -> None:
    response = call(context, "GET", POOLS)
    assert response.headers["x-ms-request-id"] == response.headers["x-ms-correlation-request-id"]
    assert response.headers["x-ms-ratelimit-remaining-subscription-reads"] == "249"
    assert put(context, "ws1").headers["x-ms-ratelimit-remaining-subscription-writes"] == "199"


def test_enforced_limits_reject_calls_and_recover(context: Context, clock: ManualClock) -> None:
    context.enforcement = Enforcement.ON
    responses = [call(context, "GET", IDS.cluster_id) for _ in range(61)]
    assert [response.status for response in responses[-2:]] == [200, 429]
    assert responses[-1].headers["Retry-After"] == "1"
    clock.now += 1
    assert call(context, "GET", IDS.cluster_id).status == 200


def test_subscription_reports_its_state(context: Context) -> None:
    enabled = call(context, "GET", IDS.subscription_id, version="2022-12-01")
    context.azure.faults = (fault("subscription-disabled"),)
    disabled = call(context, "GET", IDS.subscription_id, version="2022-12-01")
    assert enabled.body is not None
    assert disabled.body is not None
    assert (enabled.body["state"], disabled.body["state"]) == ("Enabled", "Disabled")


@pytest.mark.parametrize(
    ("text", "status", "some"),
    [
        pytest.param("location eq 'eastus'", 200, True, id="here"),
        pytest.param("location eq 'westus'", 200, False, id="elsewhere"),
        pytest.param("name eq 'x'", 400, False, id="another filter"),
    ],
)
def test_skus_are_filtered_by_location_only(
    context: Context, text: str, status: int, some: bool
) -> None:
    query = {"$filter": text}
    response = call(context, "GET", f"{COMPUTE}/skus", version="2021-07-01", query=query)
    assert response.status == status
    assert response.body is not None
    assert bool(response.body.get("value")) is some


def test_malformed_body_is_rejected(context: Context) -> None:
    assert error_code(call(context, "PUT", f"{POOLS}/ws1")) == "BadRequest"
    assert error_code(call(context, "PUT", f"{POOLS}/ws1", {"properties": 3})) == "BadRequest"
