"""Loaded by schemathesis: names that exist, the shape of every error, and counts of answers.

The environment names the file that the counts are written to when schemathesis exits, and the
models.
"""

import atexit
import json
import os
import random
from collections import Counter
from collections.abc import Set
from copy import deepcopy
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.core.failures import Failure, ServerError

from tests.fuzz.http_cases.error_shapes import shape_problem

COUNTS_FILE = "KAITO_FUZZ_COUNTS"
# Models that the gateway serves, with commas between.
MODELS = "KAITO_FUZZ_MODELS"
_REQUIRED = frozenset({"messages", "prompt", "inputs", "input", "tokens", "stream"})
_NESTED = ("parameters", "generate_kwargs")
_ROLES = ("user", "assistant", "system")
_WORKSPACES = (("team-a", "one"), ("team-b", "two"))
# Most answers should be short, so that many requests are made.
_SHORT = {"max_tokens": 4, "max_completion_tokens": 4, "max_new_tokens": 4}
_counts: Counter[str] = Counter()


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> Any:
    """Of three requests, two name a Workspace that exists."""
    if path_parameters and "namespace" in path_parameters and "name" in path_parameters:
        choice = random.Random(str(path_parameters))
        if choice.random() < 0.67:
            namespace, name = choice.choice(_WORKSPACES)
            return path_parameters | {"namespace": namespace, "name": name}
    return path_parameters


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Of three bodies, two keep few of their optional fields and name a model that exists.

    Of many random values one is wrong, and nothing behind its check would be tried.
    """
    choice = random.Random(str(body))
    if not isinstance(body, dict) or choice.random() < 0.33:
        return body
    kept = _with_few(
        deepcopy(body), choice, _REQUIRED | {"parameters", "generate_kwargs", "stream"}
    )
    for name in ("parameters", "generate_kwargs"):
        if isinstance(kept.get(name), dict):
            kept[name] = _with_few(kept[name], choice, frozenset())
    kept |= {name: few for name, few in _SHORT.items() if name in kept}
    for message in kept.get("messages") or ():
        if isinstance(message, dict) and "role" in message:
            message["role"] = choice.choice(_ROLES)
    return kept | {"model": choice.choice(_models())}


def _with_few(body: dict[str, Any], choice: random.Random, always: Set[str]) -> dict[str, Any]:
    optional = [name for name in body if name not in always]
    few = set(choice.sample(optional, min(len(optional), choice.randint(0, 2))))
    return {name: value for name, value in body.items() if name in few | always}


def _models() -> list[str]:
    return os.environ[MODELS].split(",")


@schemathesis.hook
def filter_failure(context: Any, failure: Failure, case: Any, response: Any) -> bool:
    """501 is a refusal, not a failure: the engine has no such feature."""
    return not (isinstance(failure, ServerError) and response.status_code == 501)


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Count the answer."""
    _counts[f"{case.operation.label} {response.status_code}"] += 1


@schemathesis.check
def error_has_the_shape_of_its_api(ctx: Any, response: Any, case: Any) -> None:
    """Clients read errors by their shape, which differs from API to API."""
    if response.status_code < 400 or case.method == "HEAD":
        return
    problem = shape_problem(case.method, case.operation.path, response.content)
    if problem:
        raise AssertionError(f"{problem}: {response.content[:300]!r}")


@atexit.register
def _write_counts() -> None:
    if name := os.environ.get(COUNTS_FILE):
        Path(name).write_text(json.dumps(_counts))
