"""Ids and log probabilities of tokens, from vLLM's chunks and whole answers. Pure.

The two routes write them differently. With `return_tokens_as_token_ids` both name a token by its id
("token_id:310") in place of its text, which several tokens may have in common.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from model_server.engine import Delta, TokenLogprob
from model_server.options import GenerationOptions
from model_server.text.token_bytes import TokenBytes

_ID = "token_id:"
Scored = tuple[int, float]


class TokenReader:
    """Reads the tokens of one answer, in the order of its chunks."""

    def __init__(self, options: GenerationOptions, token_bytes: TokenBytes | None) -> None:
        """`token_bytes` may be None where no log probabilities are requested."""
        self._options = options
        self._top = options.top_logprobs or 0
        self._token_bytes = token_bytes
        self._knows_prompt = False

    def __call__(self, delta: Delta, chunk: Mapping[str, Any], choice: Mapping[str, Any]) -> Delta:
        """The delta of a choice in a chunk, with its tokens."""
        changes: dict[str, Any] = {}
        ids = tuple(choice.get("token_ids") or ())
        if ids:
            changes["token_count"] = len(ids)
        if self._options.return_token_ids:
            changes["token_ids"] = ids
        if self._options.logprobs and (logprobs := choice.get("logprobs")):
            found = _of_chat(logprobs) if "content" in logprobs else _of_completion(logprobs)
            changes["logprobs"] = tuple(self._logprob(*each) for each in found)
        return replace(delta, **changes, **self._prompt(chunk, choice))

    def _prompt(self, chunk: Mapping[str, Any], choice: Mapping[str, Any]) -> dict[str, Any]:
        """What concerns the prompt: once, although a completion repeats it for each choice."""
        ids = chunk.get("prompt_token_ids") or choice.get("prompt_token_ids")
        if not ids or self._knows_prompt:
            return {}
        self._knows_prompt = True
        changes: dict[str, Any] = {}
        if self._options.return_token_ids:
            changes["prompt_token_ids"] = tuple(ids)
        if self._options.prompt_logprobs:
            scored = chunk.get("prompt_logprobs") or choice["prompt_logprobs"]
            pairs = zip(ids, scored, strict=True)
            changes["prompt_logprobs"] = tuple(self._prompt_logprob(*each) for each in pairs)
        return changes

    def _prompt_logprob(
        self, token: int, scored: Mapping[str, Mapping[str, Any]] | None
    ) -> TokenLogprob:
        if scored is None:
            return self._logprob(token, None, ())
        likely = [(int(id_), float(each["logprob"])) for id_, each in scored.items()]
        return self._logprob(token, dict(likely)[token], likely)

    def _logprob(self, token: int, logprob: float | None, likely: Iterable[Scored]) -> TokenLogprob:
        assert self._token_bytes is not None
        # The token itself is always among them, also where it is not one of the likeliest.
        top = sorted(likely, key=lambda each: -each[1])[: self._top]
        return self._token_bytes.logprob(token, logprob, top)


def _of_completion(logprobs: Mapping[str, Any]) -> Iterator[tuple[int, float, list[Scored]]]:
    """The tokens of a completion, with the likeliest in the place of each."""
    tops = logprobs.get("top_logprobs") or [None] * len(logprobs["tokens"])
    for token, logprob, top in zip(
        logprobs["tokens"], logprobs["token_logprobs"], tops, strict=True
    ):
        likely = [(_id(name), float(value)) for name, value in (top or {}).items()]
        yield _id(token), float(logprob), likely


def _of_chat(logprobs: Mapping[str, Any]) -> Iterator[tuple[int, float, list[Scored]]]:
    """The same of a chat completion."""
    for each in logprobs["content"] or ():
        likely = [(_id(one["token"]), float(one["logprob"])) for one in each["top_logprobs"]]
        yield _id(each["token"]), float(each["logprob"]), likely


def _id(name: str) -> int:
    """The id in a token's name.

    Raises:
        ValueError: it is a text.
    """
    return int(name.removeprefix(_ID))
