"""langchain-openai, unmodified."""

import math
from typing import Literal

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

from tests.clients.python.calls import base_url, call, check, run_all

URL = f"{base_url()}/v1"
llm = ChatOpenAI(model="tiny", base_url=URL, api_key="none", max_tokens=64, temperature=0)


class Weather(BaseModel):
    """The weather."""

    unit: Literal["C", "F"]


@tool  # type: ignore[untyped-decorator]
def weather(unit: Literal["C", "F"]) -> str:
    """Tells the weather."""
    return f"20 {unit}"


@call("invoke")
def invoke() -> str:
    found = llm.invoke("Weather?")
    check(found.usage_metadata["output_tokens"], "no usage")
    return f"{found.usage_metadata['output_tokens']} tokens"


@call("stream")
def stream() -> str:
    parts = list(llm.stream("Weather?"))
    text = "".join(part.text for part in parts)
    check(text == llm.invoke("Weather?").text, "not the text of the whole answer")
    return f"{len(parts)} parts, the text of the whole answer"


@call("bind_tools, and the tool's result")
def bind_tools() -> str:
    bound = llm.bind_tools([weather], tool_choice="any", parallel_tool_calls=False)
    asked = HumanMessage("Weather?")
    answer = bound.invoke([asked])
    (made,) = answer.tool_calls
    result = weather.invoke(made)
    check(isinstance(result, ToolMessage), f"{result!r}")
    final = llm.invoke([asked, answer, result])
    return f"{made['name']}{made['args']}, then {final.response_metadata['finish_reason']}"


@call("with_structured_output")
def structured() -> str:
    found = llm.with_structured_output(Weather).invoke("Weather?")
    check(isinstance(found, Weather), f"{found!r}")
    return repr(found)


@call("with_structured_output, function_calling")
def structured_by_call() -> str:
    found = llm.with_structured_output(Weather, method="function_calling").invoke("Weather?")
    check(isinstance(found, Weather), f"{found!r}")
    return repr(found)


@call("invoke, responses API")
def responses() -> str:
    model = ChatOpenAI(
        model="tiny", base_url=URL, api_key="none", use_responses_api=True, max_tokens=8
    )
    found = model.invoke("Weather?")
    check(found.usage_metadata["output_tokens"], "no usage")
    return f"{found.usage_metadata['output_tokens']} tokens"


@call("OpenAIEmbeddings")
def embeddings() -> str:
    # Without this it counts tokens with tiktoken, whose files are downloaded.
    embedder = OpenAIEmbeddings(
        model="tiny", base_url=URL, api_key="none", check_embedding_ctx_length=False
    )
    vectors = embedder.embed_documents(["The ship", "gold"])
    check(all(abs(math.hypot(*each) - 1) < 1e-3 for each in vectors), "a length is not 1")
    return f"{len(vectors)} vectors of {len(vectors[0])} numbers"


run_all()
