"""A text-generation-server over the rules of FakeEngine, as another container of the pod.

Every request that it gets and every answer that it gives is held to the server's published OpenAPI
document; `violations` has what breaks it. Where the document is silent, it does as the server's
router does: a stream has status 200 also for errors, stop strings are part of the text, special
tokens are added to every text, and an adapter that is not known answers from the base model.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

from aiohttp import web

from model_server.engine import (
    Delta,
    FinishReason,
    GenerationRequest,
    TokenLogprob,
)
from model_server.errors import InferenceError
from model_server.fake import FakeEngine
from model_server.options import GenerationOptions
from tests.model_server.openai_server.double import listening, write_event
from tests.model_server.text_generation_server.published_contract import check_answer, check_request

BEGIN = 1
_BEGIN_TEXT = "\x01"
_PASSED_ON = (
    "max_new_tokens do_sample temperature top_k top_p typical_p repetition_penalty seed".split()
)
_MAX_TOTAL_TOKENS = 2048


class Refused(Exception):
    """An error of the server, and its body."""

    def __init__(self, status: int, error_type: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body: Mapping[str, str] = {"error": message, "error_type": error_type}


class TextGenerationServerDouble:
    """The server. `seen` has the bodies of the requests for answers."""

    def __init__(
        self,
        *,
        adapters: Iterable[str] = (),
        has_template: bool = True,
        begins: bool = True,
        max_input_tokens: int = _MAX_TOTAL_TOKENS - 1,
        model_id: str = "/data/model",
    ) -> None:
        """`begins` adds a special token in front of every text, as most tokenizers do."""
        self.engine = FakeEngine(max_length=_MAX_TOTAL_TOKENS)
        self.seen: list[dict[str, Any]] = []
        self.violations: list[str] = []
        self.url = ""
        self.healthy = True
        self._adapters = frozenset(adapters)
        self._has_template = has_template
        self._begin = _BEGIN_TEXT if begins else ""
        self._max_input_tokens = max_input_tokens
        self._model_id = model_id

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator["TextGenerationServerDouble"]:
        """Listens while the context lasts.

        Raises:
            AssertionError: a request or an answer broke the published document.
        """
        async with listening(self._application(), port) as self.url:
            yield self
        assert not self.violations, "\n".join(self.violations)

    def _application(self) -> web.Application:
        application = web.Application()
        get, post = application.router.add_get, application.router.add_post
        get("/health", self._health)
        get("/info", self._info)
        post("/tokenize", self._tokenize)
        post("/chat_tokenize", self._chat_tokenize)
        post("/generate", self._generate)
        post("/generate_stream", self._generate_stream)
        return application

    async def _health(self, _request: web.Request) -> web.Response:
        if self.healthy:
            return web.Response()
        return self._answer("GET /health", {"error": "unhealthy", "error_type": "healthcheck"}, 503)

    async def _info(self, _request: web.Request) -> web.Response:
        info = {
            "model_id": self._model_id,
            "model_sha": None,
            "max_concurrent_requests": 128,
            "max_best_of": 2,
            "max_stop_sequences": 4,
            "max_input_tokens": self._max_input_tokens,
            "max_total_tokens": _MAX_TOTAL_TOKENS,
            "validation_workers": 2,
            "max_client_batch_size": 4,
            "router": "text-generation-router",
            "version": "2.4.1-dev0",
        }
        return self._answer("GET /info", info)

    async def _tokenize(self, request: web.Request) -> web.Response:
        body = await self._read("POST /tokenize", request)
        return self._answer("POST /tokenize", self._tokens(body["inputs"], self._begin))

    async def _chat_tokenize(self, request: web.Request) -> web.Response:
        body = await self._read("POST /chat_tokenize", request)
        if not self._has_template:
            error = Refused(404, "template_error", "Template error: template not found")
            return self._answer("POST /chat_tokenize", error.body, error.status)
        messages = "".join(f"<{each['role']}>{each['content']}" for each in body["messages"])
        text = f"{self._begin}{messages}<assistant>"
        answer = {"templated_text": text, "tokenize_response": self._tokens(text, "")}
        return self._answer("POST /chat_tokenize", answer)

    async def _generate(self, request: web.Request) -> web.Response:
        body = await self._read("POST /generate", request)
        try:
            events = [event async for event in self._events(body)]
        except Refused as error:
            return self._answer("POST /generate", error.body, error.status)
        last = events[-1]
        details = {
            "finish_reason": last["details"]["finish_reason"],
            "generated_tokens": last["details"]["generated_tokens"],
            "prefill": [],
            "seed": None,
            "tokens": [event["token"] for event in events],
        }
        answer = {"generated_text": last["generated_text"], "details": details}
        return self._answer("POST /generate", answer)

    async def _generate_stream(self, request: web.Request) -> web.StreamResponse:
        route = "POST /generate_stream"
        body = await self._read(route, request)
        self.seen.append(body)
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        try:
            async with aclosing(self._events(body)) as events:
                async for event in events:
                    self._check(check_answer, route, 200, event)
                    await write_event(response, json.dumps(event))
        except Refused as error:
            self._check(check_answer, route, error.status, error.body)
            await write_event(response, json.dumps(error.body))
        return response

    async def _events(self, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """One for each token.

        Raises:
            Refused: the request cannot be answered.
        """
        parameters = body.get("parameters", {})
        inputs = self._begin + body["inputs"]
        self._validate(inputs, parameters)
        stops, top = parameters.get("stop", ()), parameters.get("top_n_tokens", 0)
        text, count = "", 0
        try:
            async with aclosing(self.engine.generate(self._request(inputs, parameters))) as deltas:
                async for delta in deltas:
                    count, text = count + 1, text + delta.text
                    event = _event(count, delta, top)
                    reason = _REASONS[delta.finish_reason] if delta.finish_reason else None
                    # A stop string ends an answer where a token ends with it.
                    if any(text.endswith(stop) for stop in stops):
                        reason = "stop_sequence"
                    if reason:
                        event["generated_text"] = text
                        event["details"] = {
                            "finish_reason": reason,
                            "generated_tokens": count,
                            "input_length": len(inputs.encode()),
                            "seed": parameters.get("seed"),
                        }
                    yield event
                    if reason:
                        return
        except InferenceError as error:
            raise Refused(
                424, "generation", f"Request failed during generation: {error.message}"
            ) from error

    def _request(self, inputs: str, parameters: Mapping[str, Any]) -> GenerationRequest:
        adapter = parameters.get("adapter_id")
        options: dict[str, Any] = {
            name: parameters[name] for name in _PASSED_ON if name in parameters
        }
        return GenerationRequest(
            prompt=inputs,
            options=GenerationOptions(
                **options, logprobs=True, top_logprobs=5, return_token_ids=True
            ),
            adapter=adapter if adapter in self._adapters else None,
        )

    def _validate(self, inputs: str, parameters: Mapping[str, Any]) -> None:
        """As the server's router does."""
        length, new = len(inputs.encode()), parameters.get("max_new_tokens", 100)
        problem = ""
        for name in ("top_p", "typical_p"):
            if not 0 < parameters.get(name, 0.5) < 1:
                problem = f"`{name}` must be > 0.0 and < 1.0"
        if parameters.get("top_n_tokens", 0) > 5:
            problem = f"`top_n_tokens` must be >= 0 and <= 5. Given: {parameters['top_n_tokens']}"
        if length + new > _MAX_TOTAL_TOKENS:
            problem = (
                f"`inputs` tokens + `max_new_tokens` must be <= {_MAX_TOTAL_TOKENS}. Given: "
                f"{length} `inputs` tokens and {new} `max_new_tokens`"
            )
        elif length > self._max_input_tokens:
            problem = (
                f"`inputs` must have less than {self._max_input_tokens} tokens. Given: {length}"
            )
        if problem:
            raise Refused(422, "validation", f"Input validation error: {problem}")

    def _tokens(self, text: str, added: str) -> list[dict[str, Any]]:
        """Bytes, with the places of their characters; an added token stands for none."""
        tokens: list[dict[str, Any]] = [
            {"id": BEGIN, "text": "", "start": 0, "stop": 0} for _ in added
        ]
        for place, character in enumerate(text):
            tokens.extend(
                {"id": byte, "text": character, "start": place, "stop": place + 1}
                for byte in character.encode()
            )
        return tokens

    async def _read(self, route: str, request: web.Request) -> dict[str, Any]:
        body: dict[str, Any] = await request.json()
        self._check(check_request, route, body)
        return body

    def _answer(self, route: str, body: object, status: int = 200) -> web.Response:
        self._check(check_answer, route, status, body)
        return web.json_response(body, status=status)

    def _check(self, check: Any, *what: Any) -> None:
        try:
            check(*what)
        except AssertionError as error:
            self.violations.append(str(error))
            raise


_REASONS = {FinishReason.LENGTH: "length", FinishReason.STOP: "eos_token"}


def _event(index: int, delta: Delta, top: int) -> dict[str, Any]:
    likely, special = delta.logprobs[0], delta.token_ids == (0,)
    # A character that is not complete is in the whole text only.
    text = "<|end|>" if special else delta.text.rstrip("\N{REPLACEMENT CHARACTER}")
    token = {**_token(likely), "text": text, "special": special}
    event: dict[str, Any] = {
        "index": index,
        "token": token,
        "generated_text": None,
        "details": None,
    }
    if top:
        # The server gives them in no promised order.
        event["top_tokens"] = [_token(TokenLogprob(each)) for each in reversed(likely.top[:top])]
    return event


def _token(likely: TokenLogprob) -> dict[str, Any]:
    each = likely.token
    return {"id": each.id, "text": each.text, "logprob": each.logprob, "special": False}
