"""huggingface_hub's InferenceClient, unmodified."""

import json
from typing import Any

import numpy
from huggingface_hub import InferenceClient

from tests.clients.python.calls import UNIT, base_url, call, check, run_all

client = InferenceClient(base_url=base_url())
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "weather", "description": "Tells the weather.", "parameters": UNIT},
}


@call("text_generation")
def plain() -> str:
    text = client.text_generation("The ship", max_new_tokens=6, stop=["\0"])
    check(isinstance(text, str) and text, f"{text!r}")
    return f"{len(text)} characters"


@call("text_generation, stream")
def stream() -> str:
    whole = client.text_generation("The ship", max_new_tokens=6)
    parts = list(client.text_generation("The ship", max_new_tokens=6, stream=True))
    check("".join(parts) == whole, f"{parts} is not {whole!r}")
    return f"{len(parts)} parts, the text of the whole answer"


@call("text_generation, details")
def details() -> str:
    found = client.text_generation(
        "The ship", max_new_tokens=6, details=True, decoder_input_details=True, top_n_tokens=2
    )
    tokens = found.details.tokens
    check(len(tokens) == found.details.generated_tokens, f"{len(tokens)} tokens")
    check(found.details.prefill and found.details.prefill[0].logprob is None, "no prefill")
    text = "".join(token.text for token in tokens if not token.special)
    check(text == found.generated_text, f"{text!r} is not {found.generated_text!r}")
    return f"{len(tokens)} tokens, {len(found.details.prefill)} of the prompt"


@call("text_generation, stream and details")
def stream_details() -> str:
    events = list(client.text_generation("The ship", max_new_tokens=6, details=True, stream=True))
    check(all(isinstance(each.token.id, int) for each in events[:-1]), "a token without id")
    check(events[-1].generated_text and events[-1].details, "no details at the end")
    return f"{len(events)} events, {events[-1].details.finish_reason}"


@call("text_generation, grammar")
def grammar() -> str:
    text: str = client.text_generation(
        "The ship", max_new_tokens=40, grammar={"type": "json", "value": UNIT}
    )
    check(json.loads(text)["unit"] in "CF", f"{text!r}")
    return text


@call("chat_completion, tools")
def tools() -> str:
    messages = [{"role": "user", "content": "Weather?"}]
    found = client.chat_completion(messages, tools=[TOOL], tool_choice="required")
    made = found.choices[0].message.tool_calls[0].function
    check(json.loads(made.arguments)["unit"] in "CF", f"{made.arguments!r}")
    return f"{made.name}{made.arguments}"


@call("chat_completion, stream")
def chat_stream() -> str:
    messages = [{"role": "user", "content": "Weather?"}]
    chunks = list(client.chat_completion(messages, max_tokens=6, stream=True))
    check(chunks[-1].choices[0].finish_reason, "no finish reason")
    return f"{len(chunks)} chunks"


@call("feature_extraction")
def features() -> str:
    extractor = InferenceClient(base_url=f"{base_url()}/pipeline/feature-extraction")
    found = extractor.feature_extraction("The ship", truncate=True)
    check(abs(float(numpy.linalg.norm(found)) - 1) < 1e-3, "the vector's length is not 1")
    return f"an array of {found.shape}"


run_all()
