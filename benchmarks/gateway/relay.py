"""The least that relays HTTP to gRPC in Python: no limits, checks, logs, metrics or errors.

MODEL_SERVER=127.0.0.1:29500 uvicorn benchmarks.gateway.relay:application
"""

import json
import os
from typing import Any

import grpc

from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc as rpc

_EVENT_STREAM = [(b"content-type", b"text/event-stream; charset=utf-8")]
_JSON = [(b"content-type", b"application/json")]
_stubs: list[Any] = []


def _stub() -> Any:
    """Connects with the first request: a channel belongs to the event loop that made it."""
    if not _stubs:
        channel = grpc.aio.insecure_channel(os.environ["MODEL_SERVER"])
        _stubs.append(rpc.InferenceServiceStub(channel))
    return _stubs[0]


async def application(scope: Any, receive: Any, send: Any) -> None:
    body = json.loads((await receive())["body"])
    messages = [pb.ChatMessage(**message) for message in body["messages"]]
    request = pb.GenerateRequest(model=body["model"], chat=pb.Chat(messages=messages))
    respond = _stream if body["stream"] else _whole
    await respond(request, send)


async def _whole(request: pb.GenerateRequest, send: Any) -> None:
    answer = await _stub().Generate(request)
    choice = {"index": 0, "message": {"role": "assistant", "content": answer.choices[0].text}}
    data = json.dumps({"model": answer.model, "choices": [choice]}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": _JSON})
    await send({"type": "http.response.body", "body": data})


async def _stream(request: pb.GenerateRequest, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": _EVENT_STREAM})
    call = _stub().StreamGenerate(pb.StreamGenerateRequest(request=request))
    async for message in call:
        choice = {"index": message.index, "delta": {"content": message.text}}
        data = b"data: %b\n\n" % json.dumps({"model": "m", "choices": [choice]}).encode()
        await send({"type": "http.response.body", "body": data, "more_body": True})
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})
