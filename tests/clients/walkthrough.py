"""curl, as the documentation has it."""

import json
import subprocess
from typing import Any

from tests.clients.report import Result
from tests.clients.servers import Servers

_JSON = ("-H", "Content-Type: application/json")


def run(servers: Servers) -> list[Result]:
    """The calls of docs/http-api.md."""
    url = servers.url
    prompt = {"prompt": "What is a reef?"}
    stream = {"stream": True, "max_tokens": 4, "messages": [{"role": "user", "content": "Reef?"}]}
    chat = _post(f"{url}/chat", prompt)
    events = _curl(f"{url}/v1/chat/completions", *_JSON, "-d", json.dumps(stream))
    tokens = _post(f"{url}/tokenize", {"prompt": "A reef"})
    models = json.loads(_curl(f"{url}/v1/models"))
    return [
        Result(
            "curl",
            "POST /chat",
            f"{len(str(chat))} characters",
            str(chat.get("Result", "")).startswith("What is a reef?\n"),
        ),
        Result(
            "curl",
            "POST /v1/chat/completions, stream",
            f"{events.count('data: ')} events",
            events.endswith("data: [DONE]\n\n"),
        ),
        Result("curl", "POST /tokenize", f"{tokens['count']} tokens", tokens["count"] > 0),
        Result("curl", "GET /v1/models", models["data"][0]["id"], len(models["data"]) == 1),
    ]


def _post(url: str, body: Any) -> Any:
    return json.loads(_curl("-X", "POST", url, *_JSON, "-d", json.dumps(body)))


def _curl(*arguments: str) -> str:
    command = ["curl", "--silent", "--show-error", "--fail", "--max-time", "60", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
