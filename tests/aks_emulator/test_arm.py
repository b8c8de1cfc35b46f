"""Calls to Resource Manager without HTTP: paths, versions, who may, headers, trouble."""

import pytest

from tests.aks_emulator.pieces import (
    ISSUER,
    NOW,
    PLACE,
    POOLS,
    ManualClock,
    call,
    error_code,
    error_message,
    fault,
    put,
)
from tools.aks_emulator.web import arm
from tools.aks_emulator.web.desk import Desk
from tools.aks_emulator.web.ratelimits import Enforcement
from tools.aks_emulator.web.replies import Request

COMPUTE = f"{PLACE.subscription_id}/providers/Microsoft.Compute"
ELSEWHERE = PLACE.cluster_id.replace("kaito-local", "other")


@pytest.mark.parametrize(
    ("method", "path", "version", "status", "code"),
    [
        pytest.param("GET", PLACE.cluster_id, "2026-08-01", 200, None, id="cluster"),
        pytest.param("GET", PLACE.cluster_id.upper(), "2026-08-01", 200, None, id="any case"),
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
def test_paths(
    desk: Desk, method: str, path: str, version: str | None, status: int, code: str | None
) -> None:
    reply = call(desk, method, path, version=version)
    assert (reply.status, error_code(reply)) == (status, code)


def test_an_unknown_path_is_named(desk: Desk) -> None:
    reply = call(desk, "GET", "/subscriptions/x/what")
    assert "GET /subscriptions/x/what" in error_message(reply)
    assert desk.azure.calls["unknown"] == 1


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
def test_only_a_good_token_is_let_in(desk: Desk, authorization: str | None, code: str) -> None:
    headers = {"authorization": authorization} if authorization else {}
    reply = arm.answer(desk, Request(method="GET", path=POOLS, headers=headers))
    assert (reply.status, error_code(reply)) == (401, code)
    assert "WWW-Authenticate" in reply.headers


def test_an_operation_ends_and_location_says_so(desk: Desk, clock: ManualClock) -> None:
    desk.azure.faults = (fault("never-joins"),)
    begun = put(desk, "ws1")
    assert begun.status == 201
    status = begun.headers["Azure-AsyncOperation"].removeprefix("https://localhost:8443")
    path, _, query = status.partition("?api-version=")
    polled = call(desk, "GET", path, version=query)
    assert polled.body is not None
    assert polled.body["status"] == "InProgress"
    assert polled.headers["Retry-After"] == "1"
    result = path.replace("/operations/", "/operationresults/")
    assert call(desk, "GET", result, version=query).status == 202
    clock.now += 2
    ended = call(desk, "GET", path, version=query)
    assert ended.body is not None
    assert ended.body["status"] == "Succeeded"
    assert call(desk, "GET", result, version=query).status == 204
    again = put(desk, "ws1")
    assert again.status == 200
    deleted = call(desk, "DELETE", f"{POOLS}/other")
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
def test_refusals(desk: Desk, kind: str, status: int, code: str) -> None:
    desk.azure.faults = (fault(kind, operation="agentPools.put", count=1),)
    reply = put(desk, "ws1")
    assert (reply.status, error_code(reply)) == (status, code)
    assert "ws1" not in desk.azure.state.pools
    assert put(desk, "ws1").status == 201


def test_a_lost_response_is_cut_after_its_effect(desk: Desk) -> None:
    desk.azure.faults = (fault("lost-response", operation="agentPools.put", pool="ws1"),)
    assert put(desk, "ws1").cut
    assert "ws1" in desk.azure.state.pools
    assert not put(desk, "ws2").cut


def test_every_answer_carries_its_request_id_and_what_is_left(desk: Desk) -> None:
    reply = call(desk, "GET", POOLS)
    assert reply.headers["x-ms-request-id"] == reply.headers["x-ms-correlation-request-id"]
    assert reply.headers["x-ms-ratelimit-remaining-subscription-reads"] == "249"
    assert put(desk, "ws1").headers["x-ms-ratelimit-remaining-subscription-writes"] == "199"


def test_enforced_limits_refuse_and_recover(desk: Desk, clock: ManualClock) -> None:
    desk.enforcement = Enforcement.ON
    replies = [call(desk, "GET", PLACE.cluster_id) for _ in range(61)]
    assert [reply.status for reply in replies[-2:]] == [200, 429]
    assert replies[-1].headers["Retry-After"] == "1"
    clock.now += 1
    assert call(desk, "GET", PLACE.cluster_id).status == 200


def test_the_subscription_shows_whether_it_is_enabled(desk: Desk) -> None:
    enabled = call(desk, "GET", PLACE.subscription_id, version="2022-12-01")
    desk.azure.faults = (fault("subscription-disabled"),)
    disabled = call(desk, "GET", PLACE.subscription_id, version="2022-12-01")
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
def test_skus_are_filtered_by_location_alone(
    desk: Desk, text: str, status: int, some: bool
) -> None:
    query = {"$filter": text}
    reply = call(desk, "GET", f"{COMPUTE}/skus", version="2021-07-01", query=query)
    assert reply.status == status
    assert reply.body is not None
    assert bool(reply.body.get("value")) is some


def test_a_body_that_is_no_pool_is_refused(desk: Desk) -> None:
    assert error_code(call(desk, "PUT", f"{POOLS}/ws1")) == "BadRequest"
    assert error_code(call(desk, "PUT", f"{POOLS}/ws1", {"properties": 3})) == "BadRequest"
