"""A server that breaks its API when it counts tokens or renders a conversation."""

from collections.abc import Mapping
from typing import Any

import pytest

from model_server.engine import ChatMessage, Conversation
from model_server.engine_server.client import EngineClient
from model_server.errors import GenerationFailed, ModelLoadFailed
from model_server.text_generation_server import rejections
from model_server.text_generation_server.prompt_renderer import PromptRenderer

HELLO = Conversation(messages=(ChatMessage("user", "Hello"),))
ODD = ["a sentence", {"tokens": [1, 2]}, [7], [{"id": "x"}], None]


class Server(EngineClient):
    """Answers everything with the same."""

    def __init__(self, answer: Any) -> None:
        super().__init__("http://server.example", rejections.of_response)
        self._answer = answer

    async def post(self, path: str, body: Mapping[str, Any], *, field: str) -> Any:
        return self._answer


@pytest.mark.parametrize("answer", ODD, ids=repr)
async def test_tokens_in_another_form_are_an_error_of_the_engine(answer: Any) -> None:
    renderer = PromptRenderer(Server(answer))
    with pytest.raises(GenerationFailed, match="/tokenize is not that of a text-generation"):
        await renderer.tokenize("Hello", add_special_tokens=True)
    with pytest.raises(ModelLoadFailed, match="the engine counts no tokens"):
        await renderer.start()


@pytest.mark.parametrize("answer", ODD, ids=repr)
async def test_a_conversation_in_another_form_is_an_error_of_the_engine(answer: Any) -> None:
    renderer = PromptRenderer(Server(answer))
    with pytest.raises(GenerationFailed, match="/chat_tokenize is not that of a text-generation"):
        await renderer.render(HELLO)
    assert not await renderer.has_chat_template()
