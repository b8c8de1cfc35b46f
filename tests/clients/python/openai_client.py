"""openai for Python, unmodified."""

import json
import math
from enum import Enum
from typing import Any

import openai
from pydantic import BaseModel

from tests.clients.python.calls import UNIT, base_url, call, check, run_all

client = openai.OpenAI(base_url=f"{base_url()}/v1", api_key="none", max_retries=0)
MODEL = "tiny"
ASK: list[Any] = [{"role": "user", "content": "Weather?"}]
WEATHER = {"name": "weather", "description": "Tells the weather.", "parameters": UNIT}
TOOLS: list[Any] = [{"type": "function", "function": WEATHER}]
RESPONSE_TOOLS: list[Any] = [{"type": "function", "strict": True, **WEATHER}]


class Unit(Enum):
    CELSIUS = "C"
    FAHRENHEIT = "F"


class Weather(BaseModel):
    """What a structured answer is parsed into."""

    unit: Unit


@call("models.list, models.retrieve")
def models() -> str:
    names = [model.id for model in client.models.list()]
    check(client.models.retrieve(MODEL).id == MODEL, "retrieve gives another model")
    return ", ".join(names)


@call("chat.completions.create")
def chat() -> str:
    found = client.chat.completions.create(model=MODEL, messages=ASK, max_tokens=8, temperature=0)
    usage = found.usage
    check(usage and usage.completion_tokens and usage.prompt_tokens_details, "no usage")
    return f"{found.usage.completion_tokens} tokens, {found.choices[0].finish_reason}"


@call("chat.completions.create, stream")
def chat_stream() -> str:
    fields: dict[str, Any] = {"messages": ASK, "max_tokens": 8, "temperature": 0}
    whole = client.chat.completions.create(model=MODEL, **fields).choices[0].message.content
    chunks = list(
        client.chat.completions.create(
            model=MODEL, stream=True, stream_options={"include_usage": True}, **fields
        )
    )
    text = "".join(each.choices[0].delta.content or "" for each in chunks if each.choices)
    check(text == whole, f"{text!r} is not {whole!r}")
    check(chunks[-1].usage, "no usage at the end")
    return f"{len(chunks)} chunks, the text of the whole answer"


@call("chat.completions.create, n")
def several() -> str:
    found = client.chat.completions.create(model=MODEL, messages=ASK, max_tokens=4, n=3, seed=1)
    check([each.index for each in found.choices] == [0, 1, 2], "not three choices")
    return "3 choices"


@call("chat.completions.create, tools and their results")
def tools() -> str:
    first = client.chat.completions.create(
        model=MODEL, messages=ASK, tools=TOOLS, tool_choice="required", parallel_tool_calls=False
    )
    (choice,) = first.choices
    (made,) = choice.message.tool_calls
    check(choice.finish_reason == "tool_calls", f"finish_reason {choice.finish_reason}")
    check(json.loads(made.function.arguments)["unit"] in "CF", "the schema is not kept")
    result = {"role": "tool", "tool_call_id": made.id, "content": "sun"}
    second = client.chat.completions.create(
        model=MODEL, messages=[*ASK, choice.message, result], tools=TOOLS, max_tokens=8
    )
    check(second.usage.prompt_tokens > first.usage.prompt_tokens, "the result is not in the prompt")
    return f"{made.function.name}{made.function.arguments}, then {second.choices[0].finish_reason}"


@call("chat.completions.stream, tools")
def tools_stream() -> str:
    choice: Any = {"type": "function", "function": {"name": "weather"}}
    with client.chat.completions.stream(
        model=MODEL, messages=ASK, tools=TOOLS, tool_choice=choice
    ) as stream:
        kinds = {event.type for event in stream}
        (made,) = stream.get_final_completion().choices[0].message.tool_calls
    check("tool_calls.function.arguments.delta" in kinds, f"events {sorted(kinds)}")
    check(json.loads(made.function.arguments)["unit"] in "CF", "the schema is not kept")
    return f"{made.function.name}{made.function.arguments}"


@call("chat.completions.parse")
def parse() -> str:
    found = client.chat.completions.parse(model=MODEL, messages=ASK, response_format=Weather)
    parsed = found.choices[0].message.parsed
    check(isinstance(parsed, Weather), f"{parsed!r}")
    return repr(parsed)


@call("chat.completions.create, logprobs")
def logprobs() -> str:
    found = client.chat.completions.create(
        model=MODEL, messages=ASK, max_tokens=4, temperature=0, logprobs=True, top_logprobs=3
    )
    tokens = found.choices[0].logprobs.content
    check(len(tokens) == found.usage.completion_tokens, "not one for each token")
    check(all(len(each.top_logprobs) == 3 for each in tokens), "not three for each")
    check(all(each.logprob == each.top_logprobs[0].logprob for each in tokens), "not greedy")
    return f"{len(tokens)} tokens, first {tokens[0].logprob:.3f}"


@call("completions.create, echo and logprobs")
def completions() -> str:
    found = client.completions.create(
        model=MODEL, prompt="The ship", max_tokens=1, echo=True, logprobs=1, temperature=0
    )
    (choice,) = found.choices
    scores = choice.logprobs
    check(choice.text.startswith("The ship"), f"{choice.text!r}")
    check(scores.token_logprobs[0] is None, "the first token has a log probability")
    check(all(score <= 0 for score in scores.token_logprobs[1:]), "a log probability above 0")
    starts = [
        choice.text[place:].startswith(token)
        for place, token in zip(scores.text_offset, scores.tokens, strict=True)
    ]
    check(all(starts[:-1]), "an offset is wrong")
    return f"{len(scores.tokens)} tokens"


@call("completions.create, token ids")
def token_prompts() -> str:
    found = client.completions.create(model=MODEL, prompt=[[10, 11], [12]], max_tokens=2)
    check(found.usage.prompt_tokens == 3, f"{found.usage.prompt_tokens} tokens of the prompts")
    return f"{len(found.choices)} choices"


@call("embeddings.create (base64)")
def embeddings() -> str:
    found = client.embeddings.create(model=MODEL, input=["The ship", "gold"])
    lengths = [math.hypot(*each.embedding) for each in found.data]
    check(all(abs(length - 1) < 1e-3 for length in lengths), f"lengths {lengths}")
    plain = client.embeddings.create(model=MODEL, input="gold", encoding_format="float")
    difference = math.dist(plain.data[0].embedding, found.data[1].embedding)
    check(difference < 1e-3, f"float and base64 differ by {difference}")
    return f"{len(found.data)} vectors of {len(found.data[0].embedding)} numbers"


@call("responses.create")
def responses() -> str:
    found = client.responses.create(model=MODEL, input="Weather?", max_output_tokens=8)
    check(found.output[-1].type == "message", f"{found.output}")
    return f"{found.status}, {found.usage.output_tokens} tokens"


@call("responses.create, tools and their results")
def responses_tools() -> str:
    first = client.responses.create(
        model=MODEL, input=ASK, tools=RESPONSE_TOOLS, tool_choice="required", store=False
    )
    made = first.output[-1]
    check(made.type == "function_call", f"{first.output}")
    check(json.loads(made.arguments)["unit"] in "CF", "the schema is not kept")
    result = {"type": "function_call_output", "call_id": made.call_id, "output": "sun"}
    items: Any = [*ASK, *first.output, result]
    second = client.responses.create(
        model=MODEL, input=items, tools=RESPONSE_TOOLS, max_output_tokens=8
    )
    check(second.usage.input_tokens > first.usage.input_tokens, "the result is not in the prompt")
    return f"{made.name}{made.arguments}, then {second.status}"


@call("responses.parse")
def responses_parse() -> str:
    found = client.responses.parse(model=MODEL, input="Weather?", text_format=Weather)
    check(isinstance(found.output_parsed, Weather), f"{found.output_text!r}")
    return repr(found.output_parsed)


@call("responses.stream")
def responses_stream() -> str:
    with client.responses.stream(
        model=MODEL, input="Weather?", tools=RESPONSE_TOOLS, tool_choice="required"
    ) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    check(final.output[-1].type == "function_call", f"{final.output}")
    return f"{len(kinds)} events, {kinds[0]} to {kinds[-1]}"


@call("an error names the client's field")
def error() -> str:
    try:
        client.chat.completions.create(model=MODEL, messages=ASK, temperature=-1)
    except openai.BadRequestError as caught:
        check(caught.param == "temperature", f"param {caught.param}")
        return f"400, param {caught.param}"
    raise AssertionError("temperature -1 is accepted")


run_all()
