"""Answers the calls on clusters, agent pools and operations. Changes nothing but `Azure`."""

import json
from collections.abc import Mapping

from tools.aks_emulator.core import (
    cluster_requests,
    fates,
    operations,
    pool_requests,
    shapes,
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
from tools.aks_emulator.core.pool_requests import Accepted, Conditions, PutPool
from tools.aks_emulator.web.desk import Desk
from tools.aks_emulator.web.pages import page
from tools.aks_emulator.web.replies import Reply, Request, refuse
from tools.aks_emulator.web.versions import OPERATION_VERSION

Params = Mapping[str, str]


def get_cluster(desk: Desk, request: Request, params: Params) -> Reply:
    terms = desk.azure.terms
    issuer = f"{request.base_url}/{terms.place.tenant}/"
    state = desk.azure.state
    return Reply(200, shapes.cluster_json(state, terms.place, terms.kubernetes_version, issuer))


def stop_cluster(desk: Desk, request: Request, params: Params) -> Reply:
    azure = desk.azure
    seconds, azure.faults = fates.delay(azure.faults, Call("managedClusters.stop"))
    seconds += azure.terms.operation_seconds
    outcome = cluster_requests.stop(azure.state, now=azure.clock(), seconds=seconds)
    return _begun(desk, request, outcome, status=202)


def start_cluster(desk: Desk, request: Request, params: Params) -> Reply:
    azure = desk.azure
    seconds, azure.faults = fates.delay(azure.faults, Call("managedClusters.start"))
    seconds += azure.terms.operation_seconds
    outcome = cluster_requests.start(azure.state, now=azure.clock(), seconds=seconds)
    return _begun(desk, request, outcome, status=202)


def list_pools(desk: Desk, request: Request, params: Params) -> Reply:
    state, place = desk.azure.state, desk.azure.terms.place
    items = [(name, shapes.pool_json(pool, state, place)) for name, pool in state.pools.items()]
    return Reply(200, page(items, request, desk.page_size))


def get_pool(desk: Desk, request: Request, params: Params) -> Reply:
    state = desk.azure.state
    pool = state.pools.get(params["pool"])
    if pool is None:
        return refuse(pool_not_found(params["pool"]))
    return Reply(200, shapes.pool_json(pool, state, desk.azure.terms.place))


def get_upgrade_profile(desk: Desk, request: Request, params: Params) -> Reply:
    """What the pool could become: its image is the newest that there is."""
    pool = desk.azure.state.pools.get(params["pool"])
    if pool is None:
        return refuse(pool_not_found(params["pool"]))
    return Reply(200, shapes.upgrade_profile_json(pool, desk.azure.terms.place))


def put_pool(desk: Desk, request: Request, params: Params) -> Reply:
    azure = desk.azure
    asked = _properties(request.body)
    if isinstance(asked, ArmError):
        return refuse(asked)
    put = PutPool(params["pool"], asked, _conditions(request))
    draft = pool_requests.examine(azure.state, put, azure.terms, azure.clock())
    if isinstance(draft, ArmError):
        return refuse(draft)
    fate = _fate(azure, draft)
    if isinstance(fate, ArmError):
        return refuse(fate)
    outcome = pool_requests.accept(azure.state, draft, fate, azure.terms, azure.clock())
    created = draft.kind is OperationKind.CREATE
    return _begun(desk, request, outcome, status=201 if created else 200)


def delete_pool(desk: Desk, request: Request, params: Params) -> Reply:
    azure, name = desk.azure, params["pool"]
    pool = azure.state.pools.get(name)
    call = Call("agentPools.delete", name, pool.vm_size if pool is not None else "")
    fate, left = fates.without_machines(azure.faults, call)
    conditions = _conditions(request)
    outcome = pool_requests.delete(azure.state, name, conditions, fate, azure.terms, azure.clock())
    if outcome is None:
        return Reply(204)
    if isinstance(outcome, Accepted):
        azure.faults = left
    return _begun(desk, request, outcome, status=202)


def abort_pool(desk: Desk, request: Request, params: Params) -> Reply:
    outcome = pool_requests.abort(desk.azure.state, params["pool"], desk.azure.clock())
    return _begun(desk, request, outcome, status=202)


def get_operation(desk: Desk, request: Request, params: Params) -> Reply:
    operation = desk.azure.state.operations.get(params["operation"])
    if operation is None:
        return refuse(operation_not_found(params["operation"]))
    headers = desk.pace if operation.in_flight else {}
    return Reply(200, operations.to_json(operation, desk.azure.terms.place), headers)


def get_operation_result(desk: Desk, request: Request, params: Params) -> Reply:
    """What Location points to: 202 while in flight, then 204, or the error it ended with."""
    operation = desk.azure.state.operations.get(params["operation"])
    if operation is None:
        return refuse(operation_not_found(params["operation"]))
    if operation.in_flight:
        return Reply(202, None, {**_links(desk, request, operation), **desk.pace})
    if operation.verdict is not None:
        error = ArmError(status=409, code=operation.verdict.code, message=operation.verdict.message)
        return refuse(error)
    return Reply(204)


def _fate(azure: Azure, draft: pool_requests.Draft) -> fates.Fate | ArmError:
    """Draws the fate; faults that struck are spent."""
    state, terms = azure.state, azure.terms
    if draft.order is None:
        call = Call("agentPools.put", draft.pool.name, draft.pool.vm_size)
        fate, azure.faults = fates.without_machines(azure.faults, call)
        return fate
    drawn, azure.faults = fates.draw(
        azure.faults, draft.order, state, terms.catalog, terms.place.location
    )
    return drawn


def _begun(desk: Desk, request: Request, outcome: Accepted | ArmError, status: int) -> Reply:
    """The answer to a request that began an operation; a PUT shows the pool as well."""
    if isinstance(outcome, ArmError):
        return refuse(outcome)
    desk.azure.commit(outcome.state)
    operation = outcome.operation
    body: Json | None = None
    if status != 202 and operation.pool is not None:
        pool = outcome.state.pools[operation.pool]
        body = shapes.pool_json(pool, outcome.state, desk.azure.terms.place)
    links = _links(desk, request, operation)
    if status != 202:
        del links["Location"]
    return Reply(status, body, {**links, **desk.pace})


def _links(desk: Desk, request: Request, operation: Operation) -> dict[str, str]:
    place, query = desk.azure.terms.place, f"?api-version={OPERATION_VERSION}"
    status = place.operation_path(operation.id, "operations")
    result = place.operation_path(operation.id, "operationresults")
    return {
        "Azure-AsyncOperation": f"{request.base_url}{status}{query}",
        "Location": f"{request.base_url}{result}{query}",
    }


def _conditions(request: Request) -> Conditions:
    return Conditions(request.headers.get("if-match"), request.headers.get("if-none-match"))


def _properties(body: bytes) -> Mapping[str, object] | ArmError:
    try:
        document = json.loads(body)
    except ValueError as error:
        return bad_request(f"The request content was invalid and could not be parsed: {error}")
    properties = document.get("properties") if isinstance(document, dict) else None
    if not isinstance(properties, dict):
        return bad_request("The request content has no object 'properties'.", "properties")
    return properties
