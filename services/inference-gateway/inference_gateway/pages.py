"""The plain routes, in FastAPI: health, models, metrics, API documents."""

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.exceptions import HTTPException

from inference_gateway import models, openapi
from inference_gateway.errors import Problem, detail_body, openai_body, unknown_model
from inference_gateway.fleet.fleet import Fleet
from inference_gateway.fleet.target import PROBE_TIMEOUT_S, Target

_UNHEALTHY: dict[int | str, dict[str, Any]] = {
    503: {"description": "The model-server does not serve; detail says why"}
}


def create_pages(fleet: Fleet, registry: CollectorRegistry) -> FastAPI:
    """The application for everything that is not generation."""
    pages = FastAPI(
        title="KAITO inference",
        version="1",
        redoc_url=None,
        exception_handlers={404: _not_found},
    )
    _add_health(pages, fleet)
    _add_models(pages, fleet)

    @pages.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Prometheus metrics of this gateway."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    own_schema = pages.openapi
    pages.openapi = lambda: openapi.with_generation(own_schema())  # type: ignore[method-assign]
    return pages


def _add_health(pages: FastAPI, fleet: Fleet) -> None:
    @pages.get("/")
    async def root() -> dict[str, str]:
        """Answers while the gateway runs."""
        return {"message": "Server is running"}

    @pages.get("/livez")
    async def livez() -> dict[str, str]:
        """Answers while the gateway runs, whatever the model does."""
        return {"status": "Healthy"}

    @pages.get("/healthz", responses=_UNHEALTHY)
    async def healthz() -> Response:
        """Whether the model can answer now. A front door is healthy while it runs."""
        for target in fleet.targets if fleet.alone else ():
            health = await target.backend.health(PROBE_TIMEOUT_S)
            if not health.serving:
                return JSONResponse({"detail": health.detail}, 503)
        return JSONResponse({"status": "Healthy"})


def _add_models(pages: FastAPI, fleet: Fleet) -> None:
    async def entries(targets: list[Target]) -> list[models.Entry]:
        if fleet.alone:
            for target in targets:
                await target.probe()
        return models.listed(targets, alone=fleet.alone)

    @pages.get("/v1/models")
    async def list_models() -> dict[str, Any]:
        """Everything that can be asked for by name."""
        return {"object": "list", "data": await entries(list(fleet.targets))}

    @pages.get("/v1/models/{model:path}")
    async def get_model(model: str) -> Response:
        """One of them."""
        found = await entries(list(fleet.targets))
        for entry in found:
            if entry["id"] == model:
                return JSONResponse(entry)
        problem = unknown_model(model, (entry["id"] for entry in found))
        return Response(openai_body(problem), 404, media_type="application/json")

    @pages.get("/workspaces/{namespace}/{name}/v1/models")
    async def list_workspace_models(namespace: str, name: str) -> dict[str, Any]:
        """What one workspace serves."""
        place = f"{namespace}/{name}"
        here = [target for target in fleet.targets if target.place.label == place]
        return {"object": "list", "data": await entries(here)}


async def _not_found(request: Request, error: Exception) -> Response:
    message = error.detail if isinstance(error, HTTPException) else "Not Found"
    problem = Problem(status=404, message=message, code="not_found")
    render = openai_body if "/v1/" in request.url.path else detail_body
    return Response(render(problem), 404, media_type="application/json")
