"""Handles a call to Resource Manager, independent of the web framework.

Authentication, routing, rate limits, faults, the handler itself, and the headers of every response.
"""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace

from tools.aks_emulator.core import errors, operations
from tools.aks_emulator.core.errors import ArmError
from tools.aks_emulator.core.faults import Call, Fault, FaultKind, take
from tools.aks_emulator.core.model import OperationKind
from tools.aks_emulator.core.resource_ids import ResourceIds
from tools.aks_emulator.web import compute_handlers, pool_handlers, rate_limits, versions
from tools.aks_emulator.web.context import Context
from tools.aks_emulator.web.messages import Request, Response, error_response
from tools.aks_emulator.web.rate_limits import Enforcement
from tools.aks_emulator.web.routes import Match, is_known, match

Handler = Callable[[Context, Request, Mapping[str, str]], Response]

HANDLERS: Mapping[str, Handler] = {
    "subscriptions.get": compute_handlers.get_subscription,
    "managedClusters.get": pool_handlers.get_cluster,
    "managedClusters.stop": pool_handlers.stop_cluster,
    "managedClusters.start": pool_handlers.start_cluster,
    "agentPools.list": pool_handlers.list_pools,
    "agentPools.get": pool_handlers.get_pool,
    "agentPools.upgradeProfile": pool_handlers.get_upgrade_profile,
    "agentPools.put": pool_handlers.put_pool,
    "agentPools.delete": pool_handlers.delete_pool,
    "agentPools.abort": pool_handlers.abort_pool,
    "operations.get": pool_handlers.get_operation,
    "operationresults.get": pool_handlers.get_operation_result,
    "usages.list": compute_handlers.list_usages,
    "skus.list": compute_handlers.list_skus,
}

REJECTING_FAULTS = (
    FaultKind.THROTTLED,
    FaultKind.SERVER_ERROR,
    FaultKind.FORBIDDEN,
    FaultKind.REFUSED,
    FaultKind.CONFLICT,
)
# Faults of calls that change something.
WRITE_FAULTS = frozenset({FaultKind.REFUSED, FaultKind.CONFLICT})


def handle(context: Context, request: Request) -> Response:
    """The response to any request that is not for Entra or the admin API."""
    matched = match(request.method, request.path)
    context.azure.calls[matched.route.operation if matched is not None else "unknown"] += 1
    client = context.issuer.client(request.headers.get("authorization"), context.azure.clock())
    if isinstance(client, ArmError):
        return _with_headers(error_response(client), request, {})
    if matched is None:
        error = errors.method_not_allowed if is_known(request.path) else errors.unknown_path
        return _with_headers(error_response(error(request.method, request.path)), request, {})
    return _dispatch(context, request, matched, client)


def _dispatch(context: Context, request: Request, matched: Match, client: str) -> Response:
    operation = matched.route.operation
    keyed = rate_limits.limits(request.method, operation, matched.params.get("pool", ""))
    decision = rate_limits.take(context.buckets, keyed, context.azure.clock())
    context.buckets = decision.buckets
    enforced = context.enforcement is Enforcement.ON and decision.retry_after is not None
    call = Call(operation, matched.params.get("pool", ""), _vm_size(context, request, matched))
    problem = (
        versions.check(operation, request.query.get("api-version"))
        or _unknown_resource(matched.params, context.azure.settings.ids)
        or (errors.throttled(decision.retry_after or 1, decision.scope) if enforced else None)
        or _injected_error(context, matched, call, client)
    )
    if problem is not None:
        return _with_headers(error_response(problem), request, decision.remaining)
    response = HANDLERS[operation](context, request, matched.params)
    # Only a call that succeeded has an effect whose response can be lost.
    if response.status < 400:
        lost, context.azure.faults = take(context.azure.faults, (FaultKind.LOST_RESPONSE,), call)
        response = replace(response, drop_connection=lost is not None)
    return _with_headers(response, request, decision.remaining)


def _unknown_resource(params: Mapping[str, str], ids: ResourceIds) -> ArmError | None:
    """The error for any other subscription, resource group or cluster than the emulated one."""
    for name, known, not_found in (
        ("subscription", ids.subscription, errors.subscription_not_found),
        ("group", ids.resource_group, errors.group_not_found),
    ):
        given = params.get(name, known)
        if given.lower() != known.lower():
            return not_found(given)
    cluster = params.get("cluster", ids.cluster)
    if cluster.lower() != ids.cluster.lower():
        return errors.cluster_not_found(cluster, ids.resource_group)
    return None


def _injected_error(context: Context, matched: Match, call: Call, client: str) -> ArmError | None:
    """The error of an active fault that matches this call."""
    azure, ids = context.azure, context.azure.settings.ids
    if matched.route.writes:
        disabled, azure.faults = take(azure.faults, (FaultKind.SUBSCRIPTION_DISABLED,), call)
        if disabled is not None:
            return errors.subscription_disabled(ids.subscription)
    kinds = [k for k in REJECTING_FAULTS if matched.route.writes or k not in WRITE_FAULTS]
    fault, azure.faults = take(azure.faults, kinds, call)
    match fault.kind if fault is not None else None:
        case FaultKind.THROTTLED:
            return errors.throttled(max(1, round(fault.seconds if fault else 1)), call.operation)
        case FaultKind.SERVER_ERROR:
            return errors.server_error()
        case FaultKind.FORBIDDEN:
            return errors.not_authorized(client, matched.route.action, ids.cluster_id)
        case FaultKind.REFUSED:
            return _refused(fault) if fault else None
        case FaultKind.CONFLICT:
            since = operations.timestamp(azure.clock())
            return errors.in_progress(OperationKind.UPDATE, "the managed cluster", since)
        case _:
            return None


def _refused(fault: Fault) -> ArmError:
    return ArmError(
        status=fault.status,
        code=fault.code,
        message=fault.message,
        document=json.loads(fault.body) if fault.body else None,
    )


def _vm_size(context: Context, request: Request, matched: Match) -> str:
    """The VM size that a call is about: of the existing pool, or of the requested one."""
    pool = context.azure.state.pools.get(matched.params.get("pool", ""))
    if pool is not None:
        return pool.vm_size
    if matched.route.operation != "agentPools.put":
        return ""
    try:
        return str(json.loads(request.body)["properties"]["vmSize"])
    except (ValueError, KeyError, TypeError):
        return ""


def _with_headers(response: Response, request: Request, remaining: Mapping[str, str]) -> Response:
    given = request.headers.get("x-ms-client-request-id")
    request_id = str(uuid.uuid4())
    common = {
        "x-ms-request-id": request_id,
        "x-ms-correlation-request-id": request_id,
        "x-ms-routing-request-id": f"LOCAL:{request_id}",
        "Cache-Control": "no-cache",
        **({"x-ms-client-request-id": given} if given is not None else {}),
    }
    return replace(response, headers={**common, **remaining, **response.headers})
