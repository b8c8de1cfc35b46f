"""The routes other than generation, in FastAPI: health, models, metrics, API documentation."""

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.exceptions import HTTPException

from inference_gateway import model_list, openapi
from inference_gateway.endpoints.endpoint import PROBE_TIMEOUT_SECONDS
from inference_gateway.endpoints.pool import EndpointPool
from inference_gateway.errors import (
    Problem,
    RequestRejected,
    detail_body,
    openai_body,
    unknown_model,
)
from inference_gateway.info_route import add_info
from inference_gateway.model_view import ViewOf
from inference_gateway.problem_response import problem_headers

_UNHEALTHY: dict[int | str, dict[str, Any]] = {
    503: {"description": "The model-server is not serving; detail says why"}
}

_UNKNOWN_MODEL: dict[int | str, dict[str, Any]] = {
    404: {
        "description": "The model or the Workspace does not exist; the message lists those that do"
    }
}


def create_routes(pool: EndpointPool, registry: CollectorRegistry, view_of: ViewOf) -> FastAPI:
    """The FastAPI application for everything except generation."""
    routes = FastAPI(
        title="KAITO inference",
        version="1",
        redoc_url=None,
        exception_handlers={
            404: _no_such_route,
            405: _wrong_method,
            RequestRejected: _rejected,
        },
    )
    _add_health(routes, pool)
    _add_models(routes, pool, view_of)
    _add_stored_responses(routes)
    add_info(routes, pool, view_of)

    @routes.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Prometheus metrics of this gateway."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    fastapi_document = routes.openapi
    routes.openapi = (  # type: ignore[method-assign]
        lambda: openapi.add_generation_routes(fastapi_document())
    )
    return routes


def _add_health(routes: FastAPI, pool: EndpointPool) -> None:
    @routes.get("/")
    async def root() -> dict[str, str]:
        """Responds while the gateway runs."""
        return {"message": "Server is running"}

    @routes.get("/livez")
    async def livez() -> dict[str, str]:
        """Responds while the gateway runs, regardless of the model's state."""
        return {"status": "Healthy"}

    @routes.get("/healthz", responses=_UNHEALTHY)
    async def healthz() -> Response:
        """Whether the model can answer now. A front door is healthy while it runs."""
        # Asks now instead of using the last probe, which may be seconds old.
        for endpoint in pool.endpoints if pool.sidecar else ():
            health = await endpoint.backend.health(PROBE_TIMEOUT_SECONDS)
            if not health.serving:
                return JSONResponse({"detail": health.detail}, 503)
        return JSONResponse({"status": "Healthy"})


def _add_models(routes: FastAPI, pool: EndpointPool, view_of: ViewOf) -> None:
    async def list_entries(request: Request, workspace: str = "") -> list[model_list.ModelEntry]:
        view = view_of(request.scope["headers"])
        if workspace:
            endpoints = pool.find_workspace(workspace, view.may_see)
        else:
            endpoints = [each for each in pool.endpoints if view.may_see(each)]
        # A sidecar's answer includes an adapter that was loaded a moment ago.
        if pool.sidecar:
            for endpoint in endpoints:
                await endpoint.probe()
        return model_list.list_models(endpoints, view.may_use)

    @routes.get("/v1/models")
    async def list_models(request: Request) -> dict[str, Any]:
        """All names that requests can use as their model."""
        return {"object": "list", "data": await list_entries(request)}

    @routes.get("/v1/models/{model:path}", responses=_UNKNOWN_MODEL)
    async def get_model(request: Request, model: str) -> Response:
        """One model."""
        return _model_response(model, await list_entries(request))

    @routes.get("/workspaces/{namespace}/{name}/v1/models", responses=_UNKNOWN_MODEL)
    async def list_workspace_models(request: Request, namespace: str, name: str) -> dict[str, Any]:
        """The models of one Workspace."""
        return {"object": "list", "data": await list_entries(request, f"{namespace}/{name}")}

    @routes.get("/workspaces/{namespace}/{name}/v1/models/{model:path}", responses=_UNKNOWN_MODEL)
    async def get_workspace_model(
        request: Request, namespace: str, name: str, model: str
    ) -> Response:
        """One model of one Workspace."""
        return _model_response(model, await list_entries(request, f"{namespace}/{name}"))


def _add_stored_responses(routes: FastAPI) -> None:
    @routes.api_route(
        "/v1/responses/{response_id:path}",
        methods=["GET", "POST", "DELETE"],
        include_in_schema=False,
    )
    async def stored_response(response_id: str) -> Response:
        """None: which replica would have it is not known."""
        message = (
            f"response {response_id[:64]!r}: no responses are stored here; send the whole "
            "conversation as input"
        )
        return _problem_response(Problem(status=404, message=message, code="not_found"))


def _model_response(model: str, entries: list[model_list.ModelEntry]) -> Response:
    for entry in entries:
        if entry["id"] == model:
            return JSONResponse(entry)
    return _problem_response(unknown_model(model, (entry["id"] for entry in entries)))


def _problem_response(problem: Problem) -> Response:
    return Response(
        openai_body(problem),
        problem.status,
        headers={name.decode(): value.decode() for name, value in problem_headers(problem)},
        media_type="application/json",
    )


async def _rejected(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestRejected)
    return _problem_response(error.problem)


async def _no_such_route(request: Request, error: Exception) -> Response:
    return _route_problem(request, error, 404, "not_found")


async def _wrong_method(request: Request, error: Exception) -> Response:
    return _route_problem(request, error, 405, "method_not_allowed")


def _route_problem(request: Request, error: Exception, status: int, code: str) -> Response:
    """A problem of the request line, in the shape of the API that the path belongs to."""
    assert isinstance(error, HTTPException)
    problem = Problem(status=status, message=error.detail, code=code)
    render = openai_body if "/v1/" in request.url.path else detail_body
    return Response(render(problem), status, headers=error.headers, media_type="application/json")
