"""GET /info of the text-generation-inference API, in FastAPI."""

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from inference_gateway.backends.backend import BackendError
from inference_gateway.endpoints.pool import EndpointPool
from inference_gateway.errors import RequestRejected, from_backend, unknown_model
from inference_gateway.formats.tgi import error_body
from inference_gateway.formats.tgi_schema import TgiInfo
from inference_gateway.model_view import ViewOf
from inference_gateway.problem_response import problem_headers
from kaito.inference.v1 import inference_pb2 as pb

_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"description": "Several models are served here; ask below /workspaces"},
    404: {"description": "The Workspace does not exist; the message lists those that do"},
    503: {"description": "The model is not ready"},
}


def add_info(routes: FastAPI, pool: EndpointPool, view_of: ViewOf) -> None:
    """Adds the route at the root and below /workspaces/{namespace}/{name}."""

    @routes.get("/info", response_model=TgiInfo, responses=_ERRORS)
    async def info(request: Request) -> Response:
        """The model that answers requests without a model, and its limits."""
        return await _respond(pool, "", view_of, request)

    @routes.get("/workspaces/{namespace}/{name}/info", response_model=TgiInfo, responses=_ERRORS)
    async def workspace_info(request: Request, namespace: str, name: str) -> Response:
        """The model of one Workspace, and its limits."""
        return await _respond(pool, f"{namespace}/{name}", view_of, request)


async def _respond(
    pool: EndpointPool, workspace: str, view_of: ViewOf, request: Request
) -> Response:
    try:
        view = view_of(request.scope["headers"])
        matches = pool.route("", workspace, may_see=view.may_see)
        usable = [each for each in matches if view.may_use(each.endpoint, each.served_model)]
        if not usable:
            raise RequestRejected(unknown_model(workspace, ()))
        model = await usable[0].endpoint.loaded_model()
    except RequestRejected as rejected:
        problem = rejected.problem
    except BackendError as error:
        problem = from_backend(error, lambda _: None)
    else:
        return JSONResponse(_info(model, pool.max_in_flight).model_dump())
    return Response(
        error_body(problem),
        problem.status,
        headers={name.decode(): value.decode() for name, value in problem_headers(problem)},
        media_type="application/json",
    )


def _info(model: pb.Model, max_in_flight: int) -> TgiInfo:
    return TgiInfo(
        model_id=model.name,
        model_dtype=model.dtype,
        model_device_type=model.device,
        max_concurrent_requests=max_in_flight,
        # An answer has at least one token.
        max_input_tokens=max(model.max_length - 1, 0),
        max_total_tokens=model.max_length,
        version=model.engine,
    )
