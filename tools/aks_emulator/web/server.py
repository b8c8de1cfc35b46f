"""The HTTPS server: translates between aiohttp and the handlers."""

import json
import ssl
from collections.abc import Awaitable, Callable

from aiohttp import web

from tools.aks_emulator.core.azure import Azure
from tools.aks_emulator.core.model import Json
from tools.aks_emulator.web import admin, arm, entra, price_list
from tools.aks_emulator.web.context import Context
from tools.aks_emulator.web.entra import Entra
from tools.aks_emulator.web.messages import Request, Response

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(context: Context, entra_endpoint: Entra) -> web.Application:
    app = web.Application()
    app.add_routes(_admin_routes(context.azure))
    app.add_routes(_entra_routes(context, entra_endpoint))
    app.router.add_route("*", "/{path:.*}", _arm_handler(context))
    return app


def price_application(context: Context) -> web.Application:
    """The public price list: no account, and nothing else."""

    async def handle(request: web.Request) -> web.Response:
        return _response(price_list.list_prices(context, await _request(request)))

    app = web.Application()
    app.add_routes([web.get(price_list.PATH, handle)])
    return app


async def listen(
    app: web.Application, host: str, port: int, tls: ssl.SSLContext | None
) -> web.AppRunner:
    """Start serving, without TLS if that is None; the runner's `cleanup` stops it.

    Raises:
        OSError: the address is in use or does not exist.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, host, port, ssl_context=tls).start()
    return runner


def _arm_handler(context: Context) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        response = arm.handle(context, await _request(request))
        if response.drop_connection and request.transport is not None:
            request.transport.abort()
        return _response(response)

    return handle


def _entra_routes(context: Context, entra_endpoint: Entra) -> list[web.RouteDef]:
    tenant = context.azure.settings.ids.tenant

    async def token(request: web.Request) -> web.Response:
        form = {k: v for k, v in (await request.post()).items() if isinstance(v, str)}
        return _response(await entra_endpoint.token(request.match_info["tenant"], form))

    async def configuration(request: web.Request) -> web.Response:
        given = request.match_info["tenant"]
        return web.json_response(entra.openid_configuration(_base_url(request), given))

    async def discovery(request: web.Request) -> web.Response:
        return web.json_response(entra.instance_discovery(_base_url(request), tenant))

    async def signing_keys(request: web.Request) -> web.Response:
        return web.json_response({"keys": []})

    async def metadata(request: web.Request) -> web.Response:
        return web.json_response(entra.cloud_metadata(_base_url(request), tenant))

    return [
        web.post("/{tenant}/oauth2/v2.0/token", token),
        web.get("/{tenant}/v2.0/.well-known/openid-configuration", configuration),
        web.get("/common/discovery/instance", discovery),
        web.get("/{tenant}/discovery/v2.0/keys", signing_keys),
        web.get("/metadata/endpoints", metadata),
    ]


def _admin_routes(azure: Azure) -> list[web.RouteDef]:
    def reading(respond: Callable[[Azure], Response]) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            return _response(respond(azure))

        return handle

    def writing(respond: Callable[[Azure, Json], Response]) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            body = await _json_object(request)
            if body is None:
                return _response(Response(400, {"error": "the body must be a JSON object"}))
            return _response(respond(azure, body))

        return handle

    async def clear(request: web.Request) -> web.Response:
        return _response(admin.clear_faults(azure, request.match_info.get("which")))

    return [
        web.get("/_emulator/health", reading(admin.health)),
        web.get("/_emulator/faults", reading(admin.list_faults)),
        web.post("/_emulator/faults", writing(admin.set_fault)),
        web.delete("/_emulator/faults", clear),
        web.delete("/_emulator/faults/{which}", clear),
        web.get("/_emulator/calls", reading(admin.calls)),
        web.delete("/_emulator/calls", reading(admin.reset_calls)),
        web.get("/_emulator/pools", reading(admin.pools)),
        web.post("/_emulator/evict", writing(admin.evict)),
        web.get("/_emulator/quota", reading(admin.quota)),
        web.put("/_emulator/quota", writing(admin.set_quota)),
        web.get("/_emulator/book", reading(admin.book)),
        web.put("/_emulator/prices", writing(admin.set_prices)),
        web.put("/_emulator/power", writing(admin.set_power)),
    ]


async def _request(request: web.Request) -> Request:
    return Request(
        method=request.method,
        path=request.path,
        base_url=_base_url(request),
        query=dict(request.query),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.read(),
    )


async def _json_object(request: web.Request) -> Json | None:
    try:
        value = json.loads(await request.read())
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _base_url(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"


def _response(response: Response) -> web.Response:
    if response.body is None:
        return web.Response(status=response.status, headers=response.headers)
    return web.json_response(response.body, status=response.status, headers=response.headers)
