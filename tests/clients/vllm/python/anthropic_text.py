"""anthropic for Python, unmodified, at vLLM's Messages API."""

from typing import Any

import anthropic

from tests.clients.vllm.comparison import merged_events
from tests.clients.vllm.python.calls import MODEL, Call, run

ASK: list[Any] = [{"role": "user", "content": "Weather?"}]
UNIT = {"type": "object", "properties": {"unit": {"type": "string"}}, "required": ["unit"]}
TOOLS: list[Any] = [{"name": "weather", "description": "Weather.", "input_schema": UNIT}]


def client(url: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=url, api_key="none", max_retries=0)


def message(**fields: Any) -> Call:
    """A message, whole or as its events."""
    # This client has no temperature any more; the API has.
    body = {
        "model": MODEL,
        "messages": ASK,
        "max_tokens": 8,
        "extra_body": {"temperature": 0},
        **fields,
    }

    def call(url: str) -> Any:
        found: Any = client(url).messages.create(**body)
        if body.get("stream"):
            return merged_events(event.model_dump() for event in found)
        return found.model_dump()

    return call


def count(url: str) -> Any:
    return client(url).messages.count_tokens(model=MODEL, messages=ASK).model_dump()


CALLS: dict[str, Call] = {
    "messages.create": message(),
    "messages.create, stream": message(stream=True),
    "messages.create, system and stop": message(system="Be brief.", stop_sequences=["e"]),
    "messages.create, tools auto": message(tools=TOOLS),
    "messages.create, adapter by its name": message(model="pirate"),
    "messages.count_tokens": count,
    "error: max_tokens": message(max_tokens=-1),
}


if __name__ == "__main__":
    run("anthropic", CALLS)
