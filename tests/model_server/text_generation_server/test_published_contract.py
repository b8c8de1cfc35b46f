"""What breaks the server's published document is found, in requests and in answers."""

import aiohttp
import pytest

from tests.model_server.text_generation_server.double import TextGenerationServerDouble
from tests.model_server.text_generation_server.published_contract import (
    DOCUMENT,
    check_answer,
    check_request,
)


def test_the_document_says_where_it_is_from() -> None:
    assert DOCUMENT["info"]["version"] == "2.4.1-dev0"
    assert DOCUMENT["info"]["license"]["name"] == "Apache 2.0"
    assert "003eaec0fbe00aacf03547b317163363cef56ab9" in DOCUMENT["info"]["description"]


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"min_new_tokens": 5}, "'min_new_tokens' was unexpected"),
        ({"temperature": 0}, "0 is less than or equal to the minimum of 0"),
        ({"top_p": 1.5}, "1.5 is greater than the maximum of 1"),
        ({"seed": 0}, "0 is less than or equal to the minimum of 0"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "is too long"),
        (
            {"grammar": {"type": "lark", "value": "x"}},
            "is not valid under any of the given schemas",
        ),
    ],
)
def test_a_request_that_the_document_lacks_is_named(
    parameters: dict[str, object], says: str
) -> None:
    with pytest.raises(AssertionError, match="request of POST /generate_stream") as caught:
        check_request("POST /generate_stream", {"inputs": "a", "parameters": parameters})
    assert says in str(caught.value)


def test_an_answer_that_the_document_lacks_is_named() -> None:
    token = {"id": 1, "text": "a", "logprob": -1.0}
    with pytest.raises(AssertionError, match="'special' is a required property"):
        check_answer("POST /generate_stream", 200, {"index": 1, "token": token})
    with pytest.raises(AssertionError, match="does not answer 418"):
        check_answer("GET /health", 418, None)


async def test_the_double_holds_its_clients_to_the_document() -> None:
    with pytest.raises(AssertionError, match="min_new_tokens"):
        async with (
            TextGenerationServerDouble().running() as double,
            aiohttp.ClientSession() as http,
        ):
            body = {"inputs": "a", "parameters": {"min_new_tokens": 5}}
            async with http.post(f"{double.url}/generate", json=body) as response:
                assert response.status == 500
