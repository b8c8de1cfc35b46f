"""openai for Python, unmodified, at a model that embeds."""

from typing import Any

from tests.clients.vllm.python.calls import MODEL, Call, run
from tests.clients.vllm.python.openai_text import client, post


def embed(**fields: Any) -> Call:
    """Vectors; the client asks for base64 and decodes it, unless the call names a format."""
    body = {"model": MODEL, "input": "The ship", **fields}
    return lambda url: client(url).embeddings.create(**body).model_dump()


CALLS: dict[str, Call] = {
    "embeddings": embed(),
    "embeddings, several": embed(input=["The ship", "gold"]),
    "embeddings, float": embed(encoding_format="float"),
    "embeddings, token ids": embed(input=[[10, 11], [12]]),
    "embeddings, messages": post(
        "/v1/embeddings", model=MODEL, messages=[{"role": "user", "content": "The ship"}]
    ),
    "pooling": post("/pooling", model=MODEL, input="The ship"),
    "score": post("/score", model=MODEL, text_1="ship", text_2=["boat", "gold"]),
    "v1/score": post("/v1/score", model=MODEL, text_1="ship", text_2="boat"),
    "rerank": post("/rerank", model=MODEL, query="ship", documents=["boat", "gold"], top_n=1),
    "v1/rerank": post("/v1/rerank", model=MODEL, query="ship", documents=["boat", "gold"]),
    "v2/rerank": post("/v2/rerank", model=MODEL, query="ship", documents=["boat", "gold"]),
    "v2/embed": post(
        "/v2/embed",
        model=MODEL,
        texts=["boat"],
        embedding_types=["float"],
    ),
    "tokenize": post("/tokenize", model=MODEL, prompt="The ship"),
    "error: too long": embed(input="ship " * 3000),
    "error: dimensions": embed(dimensions=7),
}


if __name__ == "__main__":
    run("openai", CALLS)
