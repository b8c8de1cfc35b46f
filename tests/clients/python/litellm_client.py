"""LiteLLM as a client library, unmodified."""

import json
import math
import os
from typing import Any

from tests.clients.python.calls import UNIT, base_url, call, check, run_all

# Its prices are otherwise fetched from the network at import.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm

OURS: dict[str, Any] = {"api_base": f"{base_url()}/v1", "api_key": "none"}
ASK = [{"role": "user", "content": "Weather?"}]
TOOL = {
    "type": "function",
    "function": {"name": "weather", "description": "Tells the weather.", "parameters": UNIT},
}


@call("completion")
def completion() -> str:
    found = litellm.completion("openai/tiny", ASK, max_tokens=8, **OURS)
    check(found.usage.completion_tokens, "no usage")
    return f"{found.usage.completion_tokens} tokens"


@call("completion, stream")
def stream() -> str:
    chunks = list(litellm.completion("openai/tiny", ASK, max_tokens=8, stream=True, **OURS))
    check(chunks[-1].choices[0].finish_reason, "no finish reason")
    return f"{len(chunks)} chunks"


@call("completion, tools")
def tools() -> str:
    found = litellm.completion("openai/tiny", ASK, tools=[TOOL], tool_choice="required", **OURS)
    made = found.choices[0].message.tool_calls[0].function
    check(json.loads(made.arguments)["unit"] in "CF", f"{made.arguments!r}")
    return f"{made.name}{made.arguments}"


@call("completion, vLLM's provider with guided_json")
def guided() -> str:
    found = litellm.completion(
        "hosted_vllm/tiny", ASK, max_tokens=40, extra_body={"guided_json": UNIT}, **OURS
    )
    text: str = found.choices[0].message.content
    check(json.loads(text)["unit"] in "CF", f"{text!r}")
    return text


@call("text_completion")
def text_completion() -> str:
    found = litellm.text_completion(
        model="text-completion-openai/tiny", prompt="The ship", max_tokens=4, **OURS
    )
    check(found.choices[0].text, "no text")
    return f"{found.usage.completion_tokens} tokens"


@call("embedding")
def embedding() -> str:
    found = litellm.embedding("openai/tiny", input=["The ship"], encoding_format="float", **OURS)
    vector = found.data[0]["embedding"]
    check(abs(math.hypot(*vector) - 1) < 1e-3, "the vector's length is not 1")
    return f"{len(vector)} numbers"


@call("responses")
def responses() -> str:
    found = litellm.responses(model="openai/tiny", input="Weather?", max_output_tokens=8, **OURS)
    check(found.usage.output_tokens, "no usage")
    return f"{found.status}, {found.usage.output_tokens} tokens"


run_all()
