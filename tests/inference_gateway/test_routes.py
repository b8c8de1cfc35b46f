"""The routes other than generation."""

import aiohttp
import pytest

from inference_gateway.backends.backend import Health
from inference_gateway.backends.fake import FakeBackend
from inference_gateway.settings import Settings
from kaito.inference.v1 import inference_pb2 as pb
from tests.fuzz.http_cases.error_shapes import shape_problem
from tests.inference_gateway.running import gateway


@pytest.fixture
async def client(script: FakeBackend):  # type: ignore[no-untyped-def]
    async with gateway(lambda _: script) as session:
        yield session


async def test_root_assigns_a_request_id(client: aiohttp.ClientSession) -> None:
    response = await client.get("/", headers={"x-request-id": "no good id"})
    assert await response.json() == {"message": "Server is running"}
    assert len(response.headers["x-request-id"]) == 32


async def test_health(client: aiohttp.ClientSession, script: FakeBackend) -> None:
    response = await client.get("/healthz")
    assert (response.status, await response.json()) == (200, {"status": "Healthy"})
    script.health_now = Health(serving=False, detail="the model-server reports NOT_SERVING")
    response = await client.get("/healthz")
    assert response.status == 503
    assert await response.json() == {"detail": "the model-server reports NOT_SERVING"}
    assert (await client.get("/livez")).status == 200


async def test_models_are_listed(client: aiohttp.ClientSession, script: FakeBackend) -> None:
    script.loaded_adapters = (pb.Adapter(name="tuned/one", path="/mnt/adapters/tuned"),)
    listed = await (await client.get("/v1/models")).json()
    assert [(entry["id"], entry["owned_by"]) for entry in listed["data"]] == [
        ("phi-3-mini-128k-instruct", "kaito"),
        ("tuned/one", "kaito"),
    ]
    assert (await client.get("/v1/models/tuned/one")).status == 200
    missing = await client.get("/v1/models/gpt-9")
    assert missing.status == 404
    assert (await missing.json())["error"]["code"] == "model_not_found"


async def test_a_pod_lists_every_name_that_it_answers_to(script: FakeBackend) -> None:
    script.loaded_adapters = (pb.Adapter(name="style", path="/mnt/adapters/style"),)
    settings = Settings(backend="127.0.0.1:1", namespace="team", workspace="phi")
    async with gateway(lambda _: script, settings) as client:
        listed = await (await client.get("/v1/models")).json()
        ids = [entry["id"] for entry in listed["data"]]
        assert ids == ["phi", "phi-3-mini-128k-instruct", "style", "team/phi"]
        for name in ids:
            assert (await client.get(f"/v1/models/{name}")).status == 200
            assert (await client.get(f"/workspaces/team/phi/v1/models/{name}")).status == 200
            assert (await client.post("/chat", json={"prompt": "Hi", "model": name})).status == 200


@pytest.mark.parametrize(("path", "key"), [("/v1/nothing", "error"), ("/nothing", "detail")])
async def test_unknown_paths_are_404(client: aiohttp.ClientSession, path: str, key: str) -> None:
    response = await client.post(path)
    assert response.status == 404
    assert key in await response.json()


async def test_openapi_document_has_all_routes(client: aiohttp.ClientSession) -> None:
    schema = await (await client.get("/openapi.json")).json()
    assert schema["paths"].keys() >= {
        "/",
        "/healthz",
        "/livez",
        "/metrics",
        "/chat",
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/models",
        "/generate",
        "/generate_stream",
        "/info",
        "/tokenize",
        "/detokenize",
        "/workspaces/{namespace}/{name}",
        "/workspaces/{namespace}/{name}/chat",
        "/workspaces/{namespace}/{name}/generate",
    }
    assert schema["paths"]["/"].keys() == {"get", "post"}
    body = schema["paths"]["/chat"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"] == {"$ref": "#/components/schemas/KaitoChatRequest"}
    kwargs = schema["components"]["schemas"]["GenerateKwargs"]
    assert kwargs["properties"]["max_length"]["default"] == 200


async def test_metrics_count_requests(client: aiohttp.ClientSession) -> None:
    await client.post("/chat", json={"prompt": "Hi"})
    await client.post("/v1/completions", json={"prompt": "Hi", "stream": True})
    await client.get("/some/path/nobody/knows")
    text = await (await client.get("/metrics")).text()
    model = "phi-3-mini-128k-instruct"
    for line in (
        'kaito_gateway_requests_total{route="/chat",status="200"} 1.0',
        'kaito_gateway_requests_total{route="other",status="404"} 1.0',
        'kaito_gateway_request_duration_seconds_count{route="/chat"} 1.0',
        'kaito_gateway_time_to_first_token_seconds_count{route="/v1/completions"} 1.0',
        f'kaito_gateway_tokens_total{{kind="completion",model="{model}"}} 6.0',
        "kaito_gateway_in_flight_requests 1.0",
    ):
        assert line in text


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("POST", "/v1/models", 405, "GET"),
        ("DELETE", "/v1/models/phi", 405, "GET"),
        ("TRACE", "/workspaces/n/w/v1/models", 405, "GET"),
        ("GET", "/v1/chat/completions", 405, "POST"),
        ("GET", "/v1/nothing", 404, None),
        ("GET", "/workspaces/n/w", 405, "POST"),
        ("TRACE", "/workspaces/n/w/generate", 405, "POST"),
        ("POST", "/livez", 405, "GET"),
    ],
)
async def test_a_wrong_request_line_is_refused_in_the_shape_of_its_api(
    client: aiohttp.ClientSession, method: str, path: str, status: int, allow: str | None
) -> None:
    response = await client.request(method, path)
    assert (response.status, response.headers.get("allow")) == (status, allow)
    content = await response.read()
    route = path.replace("/workspaces/n/w", "/workspaces/{namespace}/{name}")
    assert shape_problem(method, route, content) == ""


async def test_each_generation_route_documents_an_unknown_model(
    client: aiohttp.ClientSession,
) -> None:
    document = await (await client.get("/openapi.json")).json()
    posts = {path: item["post"] for path, item in document["paths"].items() if "post" in item}
    assert [path for path, post in posts.items() if "404" not in post["responses"]] == []
