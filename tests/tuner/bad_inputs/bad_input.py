"""An input that a run refuses: what is wrong with it, and what the user reads."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kaito_registry import fake
from kaito_registry.fake import FakeRegistry
from tests.tuner.sources.server import Answer
from tuner.reasons import Reason

# Bodies by path, served by the data server. The default is a good file, /train.jsonl.
Answers = Mapping[str, Answer]


def row(question: str, answer: Any) -> bytes:
    """A line of JSON with a question and an answer."""
    return json.dumps({"prompt": question, "completion": answer}).encode() + b"\n"


GOOD_ROWS = b"".join(row(f"What is {n} plus 1?", f"It is {n + 1}.") for n in range(50))


@dataclass(frozen=True, slots=True, kw_only=True)
class DataInput:
    """Bad data or a bad configuration, which the fetch phase refuses before a model is loaded.

    `urls` are paths of the data server, or whole URLs.
    """

    title: str
    reason: Reason
    says: tuple[str, ...]
    config: str = ""
    answers: Answers = field(default_factory=dict)
    urls: tuple[str, ...] = ("/train.jsonl",)
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryInput:
    """A bad secret or a registry that refuses; the push phase says so and leaves no tag."""

    title: str
    reason: Reason
    says: tuple[str, ...]
    image: str = "{host}/team/adapter:1"
    secret: str | None = None
    """The text of the Docker config.json; "{host}" is the registry. None: user and password fit."""
    prepare: Callable[[FakeRegistry], None] = lambda registry: None
    insecure: bool = True


def good_secret(registry: FakeRegistry) -> str:
    """A Docker config.json that `registry` accepts."""
    entry = {"username": registry.username, "password": registry.password}
    return json.dumps({"auths": {registry.host: entry}})


def refuse_tag(status: int, code: str, message: str) -> Callable[[FakeRegistry], None]:
    """Makes a registry answer every upload of a manifest with an error."""
    errors = {"errors": [{"code": code, "message": message}]}

    def prepare(registry: FakeRegistry) -> None:
        registry.tag_refusal = fake.Answer(status=status, body=json.dumps(errors).encode())

    return prepare


def write_config(path: Path, sections: str) -> None:
    """Write a training_config.yaml; `sections` is indented below its only key."""
    lines = "".join(f"  {line}\n" for line in sections.splitlines())
    path.write_text(f"training_config:\n{lines}" if sections else "training_config: {}\n")
