"""openai for Python, unmodified, at a server that generates text."""

import json
from collections.abc import Callable
from typing import Any, Literal

import openai
from pydantic import BaseModel

from tests.clients.vllm.comparison import merged, merged_events
from tests.clients.vllm.python.calls import MODEL, Call, run

ASK: list[Any] = [{"role": "user", "content": "Weather?"}]
UNIT: dict[str, Any] = {
    "type": "object",
    "properties": {"unit": {"type": "string", "enum": ["C", "F"]}},
    "required": ["unit"],
    "additionalProperties": False,
}
WEATHER: dict[str, Any] = {"name": "weather", "description": "Weather.", "parameters": UNIT}
TOOLS: list[Any] = [{"type": "function", "function": {**WEATHER, "strict": True}}]
NAMED = {"type": "function", "function": {"name": "weather"}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "u", "strict": True, "schema": UNIT}}
RESPONSE_TOOLS: list[Any] = [{"type": "function", "strict": True, **WEATHER}]
USAGE = {"stream_options": {"include_usage": True}}


class Weather(BaseModel):
    """What a structured answer is parsed into."""

    unit: Literal["C", "F"]


def client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)


def chat(**fields: Any) -> Call:
    """A chat completion, whole or as a merged stream."""
    body: dict[str, Any] = {
        "model": MODEL,
        "messages": ASK,
        "max_tokens": 8,
        "temperature": 0,
        **fields,
    }

    def call(url: str) -> Any:
        found: Any = client(url).chat.completions.create(**body)
        if body.get("stream"):
            return merged(chunk.model_dump() for chunk in found)
        return found.model_dump()

    return call


def completion(**fields: Any) -> Call:
    """A completion, whole or as a merged stream."""
    body: dict[str, Any] = {
        "model": MODEL,
        "prompt": "The ship",
        "max_tokens": 8,
        "temperature": 0,
        **fields,
    }

    def call(url: str) -> Any:
        found: Any = client(url).completions.create(**body)
        if body.get("stream"):
            return merged(chunk.model_dump() for chunk in found)
        return found.model_dump()

    return call


def response(**fields: Any) -> Call:
    """A response, whole or as its events."""
    body: dict[str, Any] = {
        "model": MODEL,
        "input": "Weather?",
        "max_output_tokens": 16,
        "temperature": 0,
        **fields,
    }

    def call(url: str) -> Any:
        found: Any = client(url).responses.create(**body)
        if body.get("stream"):
            return merged_events(event.model_dump() for event in found)
        return found.model_dump()

    return call


def post(path: str, **body: Any) -> Call:
    """Any route, as openai's client calls those that it has no method for."""

    def call(url: str) -> Any:
        target = f"{url}{path}"
        return client(url).post(target, body=body, cast_to=object)

    return call


def parsed(url: str) -> Any:
    found = client(url).chat.completions.parse(
        model=MODEL, messages=ASK, response_format=Weather, temperature=0, max_tokens=100
    )
    return found.model_dump()


def streamed_call(url: str) -> Any:
    choice: Any = NAMED
    with client(url).chat.completions.stream(
        model=MODEL, messages=ASK, tools=TOOLS, tool_choice=choice, temperature=0, max_tokens=100
    ) as stream:
        kinds = sorted({event.type for event in stream})
        return {"kinds": kinds, "final": stream.get_final_completion().model_dump()}


def tool_result(url: str) -> Any:
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    messages: Any = [
        *ASK,
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sun"},
    ]
    return chat(messages=messages, tools=TOOLS)(url)


def names(url: str) -> Any:
    """Only the names: what else a list has says whose it is."""
    return sorted(model.id for model in client(url).models.list())


def retrieved(url: str) -> Any:
    return client(url).get(f"{url}/v1/responses/resp_1", cast_to=object)


def extra(**fields: Any) -> dict[str, Any]:
    return {"extra_body": fields}


CHATS: dict[str, Call] = {
    "chat": chat(),
    "chat, stream": chat(stream=True, **USAGE),
    "chat, n and seed": chat(n=3, seed=7, temperature=1),
    "chat, n and stream": chat(n=2, seed=7, temperature=1, stream=True, **USAGE),
    "chat, stop": chat(stop=["e", "a"], max_tokens=32),
    "chat, penalties": chat(frequency_penalty=1.5, presence_penalty=-1),
    "chat, logit_bias": chat(logit_bias={"20": 50}),
    "chat, top_p and seed": chat(temperature=0.8, top_p=0.5, seed=3),
    "chat, logprobs": chat(logprobs=True, top_logprobs=3),
    "chat, logprobs, stream": chat(logprobs=True, top_logprobs=3, stream=True, **USAGE),
    "chat, max_completion_tokens": chat(max_tokens=None, max_completion_tokens=4),
    "chat, json_schema": chat(response_format=SCHEMA, max_tokens=100),
    "chat, json_schema, stream": chat(response_format=SCHEMA, max_tokens=100, stream=True),
    "chat.parse": parsed,
    "chat, regex": chat(**extra(structured_outputs={"regex": "(ship|sea)[0-9]"})),
    "chat, choice": chat(**extra(structured_outputs={"choice": ["gold", "rum"]})),
    "chat, grammar": chat(**extra(structured_outputs={"grammar": 'root ::= "yes" | "no"'})),
    "chat, tools auto": chat(tools=TOOLS, tool_choice="auto"),
    "chat, tools required": chat(tools=TOOLS, tool_choice="required", max_tokens=100),
    "chat, tool named": chat(tools=TOOLS, tool_choice=NAMED, max_tokens=100),
    "chat, tools none": chat(tools=TOOLS, tool_choice="none"),
    "chat.stream, tool named": streamed_call,
    "chat, result of a tool": tool_result,
    "chat, vLLM's own sampling": chat(
        **extra(top_k=5, min_p=0.1, repetition_penalty=1.2, min_tokens=4, ignore_eos=True, seed=1)
    ),
    "chat, token ids": chat(**extra(return_token_ids=True)),
    "chat, prompt_logprobs": chat(**extra(prompt_logprobs=1)),
    "chat, priority": chat(**extra(priority=3)),
    "chat, continue_final_message": chat(
        messages=[*ASK, {"role": "assistant", "content": "The"}],
        **extra(continue_final_message=True, add_generation_prompt=False),
    ),
    "chat, adapter by its name": chat(model="pirate"),
    "chat, adapter, stream": chat(model="poet", stream=True, **USAGE),
}
OTHERS: dict[str, Call] = {
    "completion": completion(),
    "completion, stream": completion(stream=True, **USAGE),
    "completion, echo and logprobs": completion(echo=True, logprobs=2, max_tokens=2),
    "completion, several prompts": completion(prompt=["The ship", "gold"]),
    "completion, token ids": completion(prompt=[[10, 11], [12]]),
    "completion, n, seed and stream": completion(n=2, seed=5, temperature=1, stream=True),
    "completion, stop and penalties": completion(stop="e", frequency_penalty=1),
    "completion, choice": completion(**extra(structured_outputs={"choice": ["gold", "rum"]})),
    "completion, adapter by its name": completion(model="pirate"),
    "response": response(),
    "response, stream": response(stream=True),
    "response, tools required": response(
        tools=RESPONSE_TOOLS, tool_choice="required", max_output_tokens=100
    ),
    "response, json_schema": response(
        text={"format": {"type": "json_schema", "name": "u", "strict": True, "schema": UNIT}},
        max_output_tokens=100,
    ),
    "response, adapter by its name": response(model="pirate"),
    "tokenize": post("/tokenize", model=MODEL, prompt="The ship", return_token_strs=True),
    "tokenize, messages": post("/tokenize", model=MODEL, messages=ASK),
    "detokenize": post("/detokenize", model=MODEL, tokens=[10, 11, 12]),
    "chat batch": post(
        "/v1/chat/completions/batch", model=MODEL, messages=[ASK, ASK], max_tokens=4, temperature=0
    ),
    "generative_scoring": post(
        "/generative_scoring",
        model=MODEL,
        query="Is it a ship?",
        items=["A"],
        label_token_ids=[5, 9],
    ),
    "models.list": names,
    "error: temperature": chat(temperature=-1),
    "error: too long": chat(messages=[{"role": "user", "content": "ship " * 3000}]),
    "error: field of the wrong type": chat(max_tokens="many"),
    "error: schema that is none": chat(
        response_format={"type": "json_schema", "json_schema": {"name": "u", "schema": 3}}
    ),
    "error: model that is none": chat(model="nobody"),
    "response, retrieved": retrieved,
}


def _message(answer: Any) -> Any:
    return answer["choices"][0]["message"]


def _calls_weather(answer: Any) -> bool:
    (made,) = _message(answer)["tool_calls"]
    return json.loads(made["function"]["arguments"])["unit"] in ("C", "F")


def _tells_unit(answer: Any) -> bool:
    return json.loads(_message(answer)["content"])["unit"] in ("C", "F")


# What a server that ignores a field would get wrong straight and through the gateway alike.
HOLDS: dict[str, Callable[[Any], bool]] = {
    "chat, n and seed": lambda answer: len(answer["choices"]) == 3,
    "chat, stop": lambda answer: answer["choices"][0]["finish_reason"] == "stop",
    "chat, logprobs": lambda answer: len(answer["choices"][0]["logprobs"]["content"]) == 8,
    "chat, max_completion_tokens": lambda answer: answer["usage"]["completion_tokens"] == 4,
    "chat, json_schema": _tells_unit,
    "chat.parse": lambda answer: _message(answer)["parsed"]["unit"] in ("C", "F"),
    "chat, regex": lambda answer: _message(answer)["content"][:3] in ("shi", "sea"),
    "chat, choice": lambda answer: _message(answer)["content"] in ("gold", "rum"),
    "chat, grammar": lambda answer: _message(answer)["content"] in ("yes", "no"),
    "chat, tools required": _calls_weather,
    "chat, tool named": _calls_weather,
    "chat.stream, tool named": lambda answer: _calls_weather(answer["final"]),
    "chat, token ids": lambda answer: len(answer["choices"][0]["token_ids"]) == 8,
    "completion, choice": lambda answer: answer["choices"][0]["text"] in ("gold", "rum"),
    "response, tools required": lambda answer: answer["output"][-1]["type"] == "function_call",
    "models.list": lambda answer: answer == ["pirate", "poet", "tiny"],
}
# The gateway knows the names of models itself, also of those that other Workspaces serve, and it
# keeps no state.
REFUSED = {
    "error: model that is none": "nobody",
    "response, retrieved": "no responses are stored",
}


if __name__ == "__main__":
    run("openai", {**CHATS, **OTHERS}, refused=REFUSED, holds=HOLDS)
