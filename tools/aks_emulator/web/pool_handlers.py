"""Handlers of the calls on clusters, agent pools and operations."""

import json
from collections.abc import Mapping

from tools.aks_emulator.core import (
    cluster_requests,
    fault_injection,
    operations,
    pool_requests,
    resource_json,
)
from tools.aks_emulator.core.azure import Azure
from tools.aks_emulator.core.errors import (
    ArmError,
    bad_request,
    operation_not_found,
    pool_not_found,
)
from tools.aks_emulator.core.faults import Call
from tools.aks_emulator.core.model import Json, Operation, OperationKind
from tools.aks_emulator.core.pool_requests import Accepted, Preconditions, PutPool
from tools.aks_emulator.web.context import Context
from tools.aks_emulator.web.messages import Request, Response, error_response
from tools.aks_emulator.web.paging import page
from tools.aks_emulator.web.versions import OPERATION_VERSION

Params = Mapping[str, str]


def get_cluster(context: Context, request: Request, params: Params) -> Response:
    settings = context.azure.settings
    issuer = f"{request.base_url}/{settings.ids.tenant}/"
    state = context.azure.state
    return Response(
        200, resource_json.cluster_json(state, settings.ids, settings.kubernetes_version, issuer)
    )


def stop_cluster(context: Context, request: Request, params: Params) -> Response:
    azure = context.azure
    seconds, azure.faults = fault_injection.delay(azure.faults, Call("managedClusters.stop"))
    seconds += azure.settings.operation_seconds
    result = cluster_requests.stop(azure.state, now=azure.clock(), seconds=seconds)
    return _operation_started(context, request, result, status=202)


def start_cluster(context: Context, request: Request, params: Params) -> Response:
    azure = context.azure
    seconds, azure.faults = fault_injection.delay(azure.faults, Call("managedClusters.start"))
    seconds += azure.settings.operation_seconds
    result = cluster_requests.start(azure.state, now=azure.clock(), seconds=seconds)
    return _operation_started(context, request, result, status=202)


def list_pools(context: Context, request: Request, params: Params) -> Response:
    state, ids = context.azure.state, context.azure.settings.ids
    items = [
        (name, resource_json.pool_json(pool, state, ids)) for name, pool in state.pools.items()
    ]
    return Response(200, page(items, request, context.page_size))


def get_pool(context: Context, request: Request, params: Params) -> Response:
    state = context.azure.state
    pool = state.pools.get(params["pool"])
    if pool is None:
        return error_response(pool_not_found(params["pool"]))
    return Response(200, resource_json.pool_json(pool, state, context.azure.settings.ids))


def get_upgrade_profile(context: Context, request: Request, params: Params) -> Response:
    """The upgrades available to a pool: it already has the newest image."""
    pool = context.azure.state.pools.get(params["pool"])
    if pool is None:
        return error_response(pool_not_found(params["pool"]))
    return Response(200, resource_json.upgrade_profile_json(pool, context.azure.settings.ids))


def put_pool(context: Context, request: Request, params: Params) -> Response:
    azure = context.azure
    properties = _properties(request.body)
    if isinstance(properties, ArmError):
        return error_response(properties)
    put = PutPool(params["pool"], properties, _preconditions(request))
    change = pool_requests.validate(azure.state, put, azure.settings, azure.clock())
    if isinstance(change, ArmError):
        return error_response(change)
    outcome = _outcome(azure, change)
    if isinstance(outcome, ArmError):
        return error_response(outcome)
    result = pool_requests.accept(azure.state, change, outcome, azure.settings, azure.clock())
    created = change.kind is OperationKind.CREATE
    return _operation_started(context, request, result, status=201 if created else 200)


def delete_pool(context: Context, request: Request, params: Params) -> Response:
    azure, name = context.azure, params["pool"]
    pool = azure.state.pools.get(name)
    call = Call("agentPools.delete", name, pool.vm_size if pool is not None else "")
    outcome, remaining = fault_injection.without_machines(azure.faults, call)
    ignores_budgets = request.query.get("ignore-pod-disruption-budget", "").lower() == "true"
    result = pool_requests.delete(
        azure.state,
        name,
        _preconditions(request),
        outcome,
        azure.settings,
        azure.clock(),
        ignores_budgets=ignores_budgets,
    )
    if result is None:
        return Response(204)
    if isinstance(result, Accepted):
        azure.faults = remaining
    return _operation_started(context, request, result, status=202)


def abort_pool(context: Context, request: Request, params: Params) -> Response:
    result = pool_requests.abort(context.azure.state, params["pool"], context.azure.clock())
    return _operation_started(context, request, result, status=202)


def get_operation(context: Context, request: Request, params: Params) -> Response:
    operation = context.azure.state.operations.get(params["operation"])
    if operation is None:
        return error_response(operation_not_found(params["operation"]))
    headers = context.retry_after_header if operation.in_flight else {}
    return Response(200, operations.to_json(operation, context.azure.settings.ids), headers)


def get_operation_result(context: Context, request: Request, params: Params) -> Response:
    """The target of Location: 202 while in flight, then 204, or the error it ended with."""
    operation = context.azure.state.operations.get(params["operation"])
    if operation is None:
        return error_response(operation_not_found(params["operation"]))
    if operation.in_flight:
        return Response(
            202, None, {**_links(context, request, operation), **context.retry_after_header}
        )
    if operation.verdict is not None:
        error = ArmError(status=409, code=operation.verdict.code, message=operation.verdict.message)
        return error_response(error)
    return Response(204)


def _outcome(azure: Azure, change: pool_requests.PoolChange) -> fault_injection.Outcome | ArmError:
    """Decide the outcome of a valid PUT, using up the faults that strike."""
    state, settings = azure.state, azure.settings
    if change.capacity is None:
        call = Call("agentPools.put", change.pool.name, change.pool.vm_size)
        outcome, azure.faults = fault_injection.without_machines(azure.faults, call)
        return outcome
    outcome_or_error, azure.faults = fault_injection.inject(
        azure.faults, change.capacity, state, settings.catalog, settings.ids.location
    )
    return outcome_or_error


def _operation_started(
    context: Context, request: Request, result: Accepted | ArmError, status: int
) -> Response:
    """The response to a request that started an operation; after a PUT it contains the pool."""
    if isinstance(result, ArmError):
        return error_response(result)
    context.azure.commit(result.state)
    operation = result.operation
    body: Json | None = None
    if status != 202 and operation.pool is not None:
        pool = result.state.pools[operation.pool]
        body = resource_json.pool_json(pool, result.state, context.azure.settings.ids)
    links = _links(context, request, operation)
    if status != 202:
        del links["Location"]
    return Response(status, body, {**links, **context.retry_after_header})


def _links(context: Context, request: Request, operation: Operation) -> dict[str, str]:
    ids, query = context.azure.settings.ids, f"?api-version={OPERATION_VERSION}"
    status = ids.operation_path(operation.id, "operations")
    result = ids.operation_path(operation.id, "operationresults")
    return {
        "Azure-AsyncOperation": f"{request.base_url}{status}{query}",
        "Location": f"{request.base_url}{result}{query}",
    }


def _preconditions(request: Request) -> Preconditions:
    return Preconditions(request.headers.get("if-match"), request.headers.get("if-none-match"))


def _properties(body: bytes) -> Mapping[str, object] | ArmError:
    try:
        document = json.loads(body)
    except ValueError as error:
        return bad_request(f"The request content was invalid and could not be parsed: {error}")
    properties = document.get("properties") if isinstance(document, dict) else None
    if not isinstance(properties, dict):
        return bad_request("The request content has no object 'properties'.", "properties")
    return properties
