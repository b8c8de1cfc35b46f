"""The most that a relayed request can cost, however it is written."""

import json
from typing import Any

import pytest

from inference_gateway.keys.cost_bound import TokenBound
from inference_gateway.keys.relayed_work import RelayedWork, prepare, relayed_bound
from inference_gateway.relaying.relayed_request import RelayedRequest
from kaito.inference.v1 import inference_pb2 as pb

CONTEXT = 4096
CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
MESSAGES = [{"role": "user", "content": "a"}]


def work(path: str, body: dict[str, Any], priority: int = 0) -> RelayedWork:
    request = RelayedRequest(
        route=f"POST {path}", query="", headers=(), body=json.dumps(body).encode(), model=""
    )
    return prepare(request, priority)


def bound(path: str, body: dict[str, Any], context: int = CONTEXT) -> TokenBound:
    return relayed_bound(work(path, body), pb.Model(max_length=context))


@pytest.mark.parametrize(
    ("path", "body", "completion"),
    [
        (CHAT, {}, CONTEXT),
        (CHAT, {"max_tokens": 10}, 10),
        (CHAT, {"max_tokens": None}, CONTEXT),
        (CHAT, {"max_tokens": 10**30}, CONTEXT),
        # vLLM takes the first, other engines the second.
        (CHAT, {"max_completion_tokens": 100, "max_tokens": 1}, 100),
        (CHAT, {"max_completion_tokens": 1, "max_tokens": 100}, 100),
        # Of another API: the engine ignores it.
        (CHAT, {"max_output_tokens": 1}, CONTEXT),
        (COMPLETIONS, {"max_completion_tokens": 1}, CONTEXT),
        ("/v1/responses", {"max_tokens": 1}, CONTEXT),
        ("/v1/responses", {"max_output_tokens": 10}, 10),
        ("/v1/messages", {"max_tokens": 10}, 10),
        # Without a limit, for some engines.
        (CHAT, {"max_tokens": 0}, CONTEXT),
        (CHAT, {"max_tokens": -1}, CONTEXT),
        (CHAT, {"max_tokens": 10, "max_completion_tokens": -1}, CONTEXT),
        # Engines read them as numbers.
        (CHAT, {"max_tokens": "100", "n": "8"}, 800),
        (CHAT, {"max_tokens": 100.0, "n": 8.0}, 800),
        (CHAT, {"max_tokens": 10, "max_completion_tokens": "100"}, 100),
        (CHAT, {"max_tokens": 10, "n": -3}, 10),
        (CHAT, {"max_tokens": 10, "n": {}}, 10),
        (CHAT, {"max_tokens": 10, "n": 10**30}, 2**50),
        (COMPLETIONS, {"max_tokens": 10, "best_of": 4}, 40),
        (COMPLETIONS, {"max_tokens": 10, "prompt": ["a", "b", "c"], "n": 2}, 60),
        (COMPLETIONS, {"max_tokens": 10, "prompt": [[1, 2], [3]]}, 20),
        (COMPLETIONS, {"max_tokens": 10, "prompt": [1, 2, 3]}, 10),
        # Not the prompts of this API.
        (CHAT, {"max_tokens": 10, "prompt": ["a", "b"], "messages": MESSAGES}, 10),
        (f"{CHAT}/batch", {"max_tokens": 10, "messages": [MESSAGES, MESSAGES]}, 20),
    ],
)
def test_the_longest_answer_is_the_one_that_an_engine_may_give(
    path: str, body: dict[str, Any], completion: int
) -> None:
    assert bound(path, body).completion == completion


def test_an_answer_of_an_engine_without_a_context_has_the_default_length() -> None:
    assert bound(CHAT, {}, context=0).completion == 1024


@pytest.mark.parametrize(
    ("path", "body", "prompt"),
    [
        ("/v1/embeddings", {"input": ["a" * 100, "b"]}, 100),
        ("/v1/rerank", {"query": "q" * 100, "documents": ["a"] * 10}, 1000),
        ("/v2/rerank", {"query": "q" * 100, "documents": [{"text": "a"}] * 10}, 1000),
        ("/rerank", {"query": "q" * 100, "documents": {"content": [{}] * 10}}, 1000),
        ("/score", {"text_1": "q" * 100, "text_2": ["a"] * 10}, 1000),
        ("/v1/score", {"queries": ["q" * 100], "documents": ["a"] * 10}, 1000),
        ("/generative_scoring", {"query": "q" * 100, "items": ["a"] * 10}, 1000),
        ("/pooling", {"input": "a" * 100}, 100),
        ("/classify", {"input": ["a" * 100]}, 100),
        ("/v2/embed", {"texts": ["a" * 100]}, 100),
    ],
)
def test_what_is_read_only_costs_what_is_read(path: str, body: dict[str, Any], prompt: int) -> None:
    found = bound(path, body)
    # With the rest of the body, and the longest template.
    assert prompt <= found.prompt <= prompt + len(json.dumps(body)) + 256 + 10 * 4
    assert found.completion == 0


def test_no_text_is_longer_than_the_context() -> None:
    body = {"query": "q" * 10_000, "documents": ["a", "b"]}
    assert bound("/rerank", body).prompt == 2 * CONTEXT


@pytest.mark.parametrize("path", ["/v1/audio/speech", "/v1/moderations"])
def test_answers_without_tokens_cost_a_request(path: str) -> None:
    assert bound(path, {"input": "a"}) == TokenBound(0, 0)


@pytest.mark.parametrize("path", [CHAT, "/rerank"])
def test_no_route_lets_a_request_before_its_key(path: str) -> None:
    found = work(path, {"priority": -1000}, priority=5)
    assert json.loads(found.request.body)["priority"] == 5


def test_half_of_a_surrogate_pair_is_sent_as_it_came() -> None:
    body = {"messages": [{"role": "user", "content": "\u00e9\ud83d"}], "stream": True}
    sent = json.loads(work(CHAT, body).request.body)
    assert sent["messages"] == body["messages"]
    assert sent["stream_options"]["include_usage"]
