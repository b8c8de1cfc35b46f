"""Pages of other origins may call the gateway where the settings allow it, and only there."""

import aiohttp
import pytest

from inference_gateway.backends.fake import FakeBackend
from inference_gateway.settings import Settings
from kaito_process.environment import SettingError
from tests.inference_gateway.running import gateway

ORIGIN = "https://chat.example.com"
PATH = "/v1/chat/completions"
PREFLIGHT = {
    "origin": ORIGIN,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization, content-type",
}
ALLOWED = "access-control-allow-origin"


def allowing(*origins: str) -> Settings:
    return Settings(backend="127.0.0.1:1", cors_origins=origins)


async def stream(client: aiohttp.ClientSession, origin: str) -> aiohttp.ClientResponse:
    body = {"messages": [{"role": "user", "content": "Hi"}], "stream": True}
    return await client.post(PATH, json=body, headers={"origin": origin})


async def test_a_page_of_an_allowed_origin_reads_a_stream(script: FakeBackend) -> None:
    async with gateway(lambda _: script, allowing(ORIGIN)) as client:
        preflight = await client.options(PATH, headers=PREFLIGHT)
        assert (preflight.status, preflight.headers[ALLOWED]) == (200, ORIGIN)
        assert "authorization" in preflight.headers["access-control-allow-headers"]
        response = await stream(client, ORIGIN)
        assert (await response.text()).endswith("data: [DONE]\n\n")
        assert response.headers[ALLOWED] == ORIGIN
        assert "x-request-id" in response.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in response.headers


async def test_all_origins_can_be_allowed(script: FakeBackend) -> None:
    async with gateway(lambda _: script, allowing("*")) as client:
        assert (await stream(client, "http://any.example")).headers[ALLOWED] == "*"


@pytest.mark.parametrize("origins", [(), ("https://other.example",)])
async def test_other_pages_are_told_nothing(script: FakeBackend, origins: tuple[str, ...]) -> None:
    async with gateway(lambda _: script, allowing(*origins)) as client:
        preflight = await client.options(PATH, headers=PREFLIGHT)
        assert preflight.status in (400, 405)
        assert ALLOWED not in preflight.headers
        assert ALLOWED not in (await stream(client, ORIGIN)).headers


@pytest.mark.parametrize(
    "value", ["chat.example.com", "https://a.example/", "https://A.example", "https://a, b"]
)
def test_an_origin_that_no_browser_sends_is_refused(value: str) -> None:
    with pytest.raises(SettingError, match="KAITO_CORS_ORIGINS"):
        Settings.from_env({"KAITO_BACKEND": "x:1", "KAITO_CORS_ORIGINS": value})


def test_origins_are_separated_by_commas() -> None:
    read = Settings.from_env({"KAITO_BACKEND": "x:1", "KAITO_CORS_ORIGINS": f"{ORIGIN}, *"})
    assert read.cors_origins == (ORIGIN, "*")
