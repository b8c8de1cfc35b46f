"""openai for Python, unmodified, at a classifier."""

from tests.clients.vllm.python.calls import MODEL, Call, run
from tests.clients.vllm.python.openai_text import post

CALLS: dict[str, Call] = {
    "classify": post("/classify", model=MODEL, input="The ship"),
    "classify, several": post("/classify", model=MODEL, input=["The ship", "gold"]),
    "pooling": post("/pooling", model=MODEL, input="The ship", task="classify"),
    "error: no input": post("/classify", model=MODEL),
}


if __name__ == "__main__":
    run("openai", CALLS)
