"""What a server tells of itself before it is asked for an answer."""

from model_server import remedies
from model_server.engine_server.client import EngineClient
from model_server.errors import EngineFailed, ModelLoadFailed


async def find_model(
    client: EngineClient, named: str, max_context_tokens: int | None
) -> tuple[str, int]:
    """The server's name of the model, and the length of its context.

    `named` and `max_context_tokens` are those of the settings, for a server that does not tell.

    Raises:
        ModelLoadFailed: the server does not tell one of them, and neither do the settings.
    """
    try:
        listed = (await client.get("/v1/models"))["data"]
        entries = {str(entry["id"]): entry for entry in listed}
    except (EngineFailed, AttributeError, KeyError, TypeError):
        # Some list what they could load, or nothing.
        entries = {}
    model = named or next(iter(entries), "")
    if not model:
        raise ModelLoadFailed(
            f"{client.url}/v1/models lists no model; if it is an OpenAI-compatible server, name "
            f"its model in {remedies.ENGINE_MODEL}"
        )
    context_tokens = entries.get(model, {}).get("max_model_len") or max_context_tokens
    if not context_tokens:
        raise ModelLoadFailed(
            f"{client.url}/v1/models does not tell the length of the context of {model!r}; set "
            f"{remedies.MAX_MODEL_LEN}"
        )
    return model, int(context_tokens)


async def describe_server(client: EngineClient) -> str:
    """The server's make and version, as far as it tells."""
    try:
        version = await client.get("/version")
    except EngineFailed:
        version = None
    if isinstance(version, dict) and version.get("version"):
        return f"vllm {version['version']}"
    return "openai server"
