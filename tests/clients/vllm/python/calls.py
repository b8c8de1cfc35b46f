"""Makes each call of a client twice, through the gateway and straight at vLLM, and prints one line
of JSON for each: what the call gave, and where the two answers differ.

Runs in the clients' environment, so it imports nothing but the comparison.
"""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from tests.clients.vllm.comparison import differences
from tests.clients.vllm.summary import is_error, summary

MODEL = "tiny"
# A function that makes one call at a base URL and returns what is compared.
Call = Callable[[str], Any]
_MAX_CHARACTERS = 600


def run(
    client: str,
    calls: Mapping[str, Call],
    *,
    refused: Mapping[str, str] | None = None,
    holds: Mapping[str, Callable[[Any], bool]] | None = None,
) -> None:
    """Make the calls. Those in `refused` the gateway answers with these words, and vLLM otherwise.

    Calls named `error: ...` must fail, and all others must not; `holds` says what an answer must
    be, since two wrong ones may be equal. The first call straight at vLLM fills its cache of
    prefixes: the usage counts cached tokens.
    """
    gateway, vllm = sys.argv[1:3]
    for name, call in calls.items():
        _attempt(call, vllm)
        through, straight = _attempt(call, gateway), _attempt(call, vllm)
        if (words := (refused or {}).get(name)) is not None:
            result, ok = f"refused: {summary(through)}", words in json.dumps(through)
        elif found := differences(through, straight):
            result, ok = "; ".join(found)[:_MAX_CHARACTERS], False
        elif is_error(straight) is not name.startswith("error: "):
            result, ok = f"not what was asked: {json.dumps(straight)[:_MAX_CHARACTERS]}", False
        elif name in (holds or {}) and not (holds or {})[name](through):
            result, ok = f"does not hold: {json.dumps(through)[:_MAX_CHARACTERS]}", False
        else:
            result, ok = "equal", True
        line = {"client": client, "call": name, "answer": summary(straight), "result": result}
        print(json.dumps({**line, "ok": ok}), flush=True)


def _attempt(call: Call, url: str) -> Any:
    """What the call gave; an error of the client is an answer, too, with all that it says."""
    try:
        return call(url)
    except Exception as error:
        response = getattr(error, "response", None)
        body = getattr(error, "body", None) or getattr(error, "server_message", None)
        return {
            "raised": type(error).__name__,
            "status": getattr(response, "status_code", None),
            "body": body or str(error),
        }
