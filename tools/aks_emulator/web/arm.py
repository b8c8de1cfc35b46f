"""One call to Resource Manager from end to end, but for the HTTP around it.

Who asks, whether it may, which trouble is on, the answer, and the headers of every answer.
"""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace

from tools.aks_emulator.core import errors, operations
from tools.aks_emulator.core.errors import ArmError
from tools.aks_emulator.core.faults import Call, FaultKind, take
from tools.aks_emulator.core.model import OperationKind
from tools.aks_emulator.core.place import Place
from tools.aks_emulator.web import compute_answers, pool_answers, ratelimits, versions
from tools.aks_emulator.web.desk import Desk
from tools.aks_emulator.web.ratelimits import Enforcement
from tools.aks_emulator.web.replies import Reply, Request, refuse
from tools.aks_emulator.web.routes import Match, is_known, match

Answer = Callable[[Desk, Request, Mapping[str, str]], Reply]

ANSWERS: Mapping[str, Answer] = {
    "subscriptions.get": compute_answers.get_subscription,
    "managedClusters.get": pool_answers.get_cluster,
    "managedClusters.stop": pool_answers.stop_cluster,
    "managedClusters.start": pool_answers.start_cluster,
    "agentPools.list": pool_answers.list_pools,
    "agentPools.get": pool_answers.get_pool,
    "agentPools.upgradeProfile": pool_answers.get_upgrade_profile,
    "agentPools.put": pool_answers.put_pool,
    "agentPools.delete": pool_answers.delete_pool,
    "agentPools.abort": pool_answers.abort_pool,
    "operations.get": pool_answers.get_operation,
    "operationresults.get": pool_answers.get_operation_result,
    "usages.list": compute_answers.list_usages,
    "skus.list": compute_answers.list_skus,
}

REFUSING = (
    FaultKind.THROTTLED,
    FaultKind.SERVER_ERROR,
    FaultKind.FORBIDDEN,
    FaultKind.CONFLICT,
)


def answer(desk: Desk, request: Request) -> Reply:
    """The reply to any request that isn't for Entra or for the emulator itself."""
    found = match(request.method, request.path)
    desk.azure.calls[found.route.operation if found is not None else "unknown"] += 1
    client = desk.issuer.client(request.headers.get("authorization"), desk.azure.clock())
    if isinstance(client, ArmError):
        return _with_headers(refuse(client), request, {})
    if found is None:
        known = is_known(request.path)
        refused = errors.method_not_allowed if known else errors.unknown_path
        return _with_headers(refuse(refused(request.method, request.path)), request, {})
    return _admit(desk, request, found, client)


def _admit(desk: Desk, request: Request, found: Match, client: str) -> Reply:
    operation = found.route.operation
    keyed = ratelimits.limits(request.method, operation, found.params.get("pool", ""))
    verdict = ratelimits.draw(desk.buckets, keyed, desk.azure.clock())
    desk.buckets = verdict.buckets
    enforced = desk.enforcement is Enforcement.ON and verdict.retry_after is not None
    call = Call(operation, found.params.get("pool", ""), _vm_size(desk, request, found))
    problem = (
        versions.check(operation, request.query.get("api-version"))
        or _elsewhere(found.params, desk.azure.terms.place)
        or (errors.throttled(verdict.retry_after or 1, verdict.scope) if enforced else None)
        or _struck(desk, found, call, client)
    )
    if problem is not None:
        return _with_headers(refuse(problem), request, verdict.remaining)
    reply = ANSWERS[operation](desk, request, found.params)
    if reply.status < 400:
        lost, desk.azure.faults = take(desk.azure.faults, (FaultKind.LOST_RESPONSE,), call)
        reply = replace(reply, cut=lost is not None)
    return _with_headers(reply, request, verdict.remaining)


def _elsewhere(params: Mapping[str, str], place: Place) -> ArmError | None:
    """There is one subscription, one resource group and one cluster."""
    for name, known, refused in (
        ("subscription", place.subscription, errors.subscription_not_found),
        ("group", place.resource_group, errors.group_not_found),
    ):
        given = params.get(name, known)
        if given.lower() != known.lower():
            return refused(given)
    cluster = params.get("cluster", place.cluster)
    if cluster.lower() != place.cluster.lower():
        return errors.cluster_not_found(cluster, place.resource_group)
    return None


def _struck(desk: Desk, found: Match, call: Call, client: str) -> ArmError | None:
    """The refusal of a fault that is switched on for this call."""
    azure, place = desk.azure, desk.azure.terms.place
    if found.route.writes:
        disabled, azure.faults = take(azure.faults, (FaultKind.SUBSCRIPTION_DISABLED,), call)
        if disabled is not None:
            return errors.subscription_disabled(place.subscription)
    kinds = [k for k in REFUSING if found.route.writes or k is not FaultKind.CONFLICT]
    fault, azure.faults = take(azure.faults, kinds, call)
    match fault.kind if fault is not None else None:
        case FaultKind.THROTTLED:
            return errors.throttled(max(1, round(fault.seconds if fault else 1)), call.operation)
        case FaultKind.SERVER_ERROR:
            return errors.server_error()
        case FaultKind.FORBIDDEN:
            return errors.not_authorized(client, found.route.action, place.cluster_id)
        case FaultKind.CONFLICT:
            since = operations.timestamp(azure.clock())
            return errors.in_progress(OperationKind.UPDATE, "the managed cluster", since)
        case _:
            return None


def _vm_size(desk: Desk, request: Request, found: Match) -> str:
    """The size that a call is about: of the pool that there is, or of the one that is asked for."""
    pool = desk.azure.state.pools.get(found.params.get("pool", ""))
    if pool is not None:
        return pool.vm_size
    if found.route.operation != "agentPools.put":
        return ""
    try:
        return str(json.loads(request.body)["properties"]["vmSize"])
    except (ValueError, KeyError, TypeError):
        return ""


def _with_headers(reply: Reply, request: Request, remaining: Mapping[str, str]) -> Reply:
    given = request.headers.get("x-ms-client-request-id")
    request_id = str(uuid.uuid4())
    always = {
        "x-ms-request-id": request_id,
        "x-ms-correlation-request-id": request_id,
        "x-ms-routing-request-id": f"LOCAL:{request_id}",
        "Cache-Control": "no-cache",
        **({"x-ms-client-request-id": given} if given is not None else {}),
    }
    return replace(reply, headers={**always, **remaining, **reply.headers})
