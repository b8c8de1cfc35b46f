"""Bodies that are small enough to be accepted and would hold the event loop for seconds."""

import gc
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from inference_gateway.errors import RequestRejected
from inference_gateway.formats.api_format import AnyFormat
from inference_gateway.formats.kaito_chat import KaitoChat
from inference_gateway.formats.openai_chat import OpenAiChat
from inference_gateway.formats.openai_completions import OpenAiCompletions
from inference_gateway.formats.openai_embeddings import OpenAiEmbeddings
from inference_gateway.formats.responses.request import OpenAiResponses
from inference_gateway.garbage_collection import make_full_collections_rare
from inference_gateway.settings import Limits

MESSAGE = {"role": "user", "content": "Hi"}
PART = {"type": "text", "text": ""}
PARTS = {"role": "user", "content": [PART] * 1500}
# CPU seconds. The slowest took 49 before lists were bounded; reading the JSON alone takes 0.3.
MAX_SECONDS = 2.0


def chat(**fields: Any) -> dict[str, Any]:
    return {"messages": [MESSAGE], **fields}


def kwargs(**fields: Any) -> dict[str, Any]:
    return {"prompt": "x", "generate_kwargs": fields}


CALL = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLS = {"role": "assistant", "tool_calls": [CALL] * 80}


@pytest.fixture
def collected_as_deployed() -> Iterator[None]:
    """The garbage collector as the gateway sets it.

    Otherwise most of the time goes to looking at the objects of all other tests of the process.
    """
    threshold = gc.get_threshold()
    make_full_collections_rare()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


@pytest.mark.usefixtures("collected_as_deployed")
@pytest.mark.parametrize(
    ("api_format", "body", "named"),
    [
        (OpenAiChat, lambda: chat(messages=[MESSAGE] * 60_000), "messages"),
        (OpenAiChat, lambda: chat(messages=[1] * 1_000_000), "messages.0"),
        (OpenAiChat, lambda: chat(messages=[{}] * 900_000), "messages.0.role"),
        (OpenAiChat, lambda: chat(messages=[PARTS] * 80), "messages.1.content"),
        (OpenAiChat, lambda: chat(stop=[1] * 1_000_000), "stop.0"),
        (OpenAiChat, lambda: chat(stop=["a"] * 700_000), "stop"),
        (OpenAiChat, lambda: chat(tools=[{}] * 900_000), "tools.0.type"),
        (OpenAiChat, lambda: chat(logit_bias={f"a{i}": 1 for i in range(300_000)}), "logit_bias"),
        (OpenAiChat, lambda: chat(messages=[CALLS] * 30), "messages.25.tool_calls"),
        (OpenAiChat, lambda: chat(guided_choice=[1] * 1_000_000), "guided_choice.0"),
        (OpenAiCompletions, lambda: {"prompt": ["a"] * 700_000}, "prompt"),
        (OpenAiCompletions, lambda: {"prompt": [1] * 900_000 + ["a"]}, "prompt.900000"),
        (OpenAiCompletions, lambda: {"prompt": [[]] * 900_000}, "prompt.0"),
        (OpenAiEmbeddings, lambda: {"input": ["a"] * 700_000}, "input"),
        (OpenAiResponses, lambda: {"input": [{}] * 900_000}, "input.0.role"),
        (OpenAiResponses, lambda: {"input": [MESSAGE] * 60_000}, "input"),
        (KaitoChat, lambda: {"messages": [MESSAGE] * 60_000}, "messages"),
        (KaitoChat, lambda: {"messages": [1] * 1_000_000}, "messages"),
        (KaitoChat, lambda: kwargs(bad_words_ids=[1] * 1_000_000), "bad_words_ids"),
        (KaitoChat, lambda: kwargs(eos_token_id=["a"] * 700_000), "eos_token_id"),
        (KaitoChat, lambda: kwargs(stop_strings=[1] * 1_000_000), "stop_strings"),
    ],
)
def test_many_items_are_rejected_at_once(
    api_format: Callable[[], AnyFormat], body: Callable[[], Any], named: str
) -> None:
    data = json.dumps(body()).encode()
    assert len(data) <= Limits().max_body_bytes
    rules = api_format()
    started_at = time.process_time()
    with pytest.raises(RequestRejected) as caught:
        rules.parse(data)
    answer = rules.error_body(caught.value.problem)
    assert time.process_time() - started_at < MAX_SECONDS
    problem = caught.value.problem
    assert problem.status in (400, 422)
    assert problem.param == named or any(named in each["loc"] for each in problem.fields)
    # An error may repeat what was sent, once.
    assert len(answer) <= 2 * len(data)


@pytest.mark.parametrize("field", ["prompt", "temperature", "unknown"])
@pytest.mark.parametrize("api_format", [OpenAiChat, OpenAiCompletions, KaitoChat])
def test_number_with_too_many_digits_is_400(
    api_format: Callable[[], AnyFormat], field: str
) -> None:
    body = f'{{"prompt": "x", "{field}": {"9" * 4301}}}'.encode()
    rules = api_format()
    with pytest.raises(RequestRejected) as caught:
        rules.parse(body)
    assert caught.value.problem.status == 400
    assert rules.error_body(caught.value.problem)


def test_long_conversation_is_accepted() -> None:
    assert OpenAiChat().parse(json.dumps(chat(messages=[MESSAGE] * 2048)).encode())
