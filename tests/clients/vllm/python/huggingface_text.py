"""huggingface_hub's InferenceClient, unmodified, at the routes that vLLM has."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from huggingface_hub import InferenceClient

from tests.clients.vllm.comparison import merged
from tests.clients.vllm.python.calls import MODEL, Call, run

ASK = [{"role": "user", "content": "Weather?"}]
UNIT = {
    "type": "object",
    "properties": {"unit": {"type": "string", "enum": ["C", "F"]}},
    "required": ["unit"],
    "additionalProperties": False,
}
FUNCTION = {"name": "weather", "description": "Weather.", "parameters": UNIT, "strict": True}
TOOLS: Any = [{"type": "function", "function": FUNCTION}]
SCHEMA: Any = {"type": "json_schema", "json_schema": {"name": "u", "strict": True, "schema": UNIT}}


def chat(**fields: Any) -> Call:
    """A chat completion, whole or as a merged stream."""
    body = {"model": MODEL, "max_tokens": 8, "temperature": 0.0, **fields}

    def call(url: str) -> Any:
        client = InferenceClient(base_url=url)
        found: Any = client.chat_completion(ASK, **body)
        return merged(map(asdict, found)) if body.get("stream") else asdict(found)

    return call


CALLS: dict[str, Call] = {
    "chat_completion": chat(),
    "chat_completion, stream": chat(stream=True, stream_options={"include_usage": True}),
    "chat_completion, n and seed": chat(n=2, seed=3, temperature=1.0),
    "chat_completion, logprobs": chat(logprobs=True, top_logprobs=2),
    "chat_completion, tools required": chat(tools=TOOLS, tool_choice="required", max_tokens=100),
    "chat_completion, json_schema": chat(response_format=SCHEMA, max_tokens=100),
    "chat_completion, adapter by its name": chat(model="pirate"),
}


HOLDS: dict[str, Callable[[Any], bool]] = {
    # This client sends the schema in the form of text-generation-inference, in which vLLM sees no
    # more than that the answer is an object.
    "chat_completion, json_schema": lambda answer: isinstance(
        json.loads(answer["choices"][0]["message"]["content"]), dict
    ),
    "chat_completion, tools required": lambda answer: (
        answer["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "weather"
    ),
}


if __name__ == "__main__":
    run("huggingface_hub", CALLS, holds=HOLDS)
