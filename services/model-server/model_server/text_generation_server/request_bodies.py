"""A request of the contract as the body of one to the server. Pure.

The server ignores fields that it does not know, so nothing is sent that its document lacks.
"""

import re
from collections.abc import Mapping
from typing import Any

from model_server.engine import Conversation, GenerationRequest, StructuredOutput
from model_server.engine_server.json_schema import FIELD, parse_schema
from model_server.engine_server.roles import check_role
from model_server.engine_server.set_options import is_neutral, reject_unless_neutral, set_options
from model_server.errors import InvalidRequest

# The names are those of the contract. Any of the first group makes the server sample.
_SAMPLING = ("temperature", "top_k", "top_p", "typical_p")
_PENALTIES = ("repetition_penalty", "frequency_penalty")
# These have a form of their own below, or concern what is read of the answer.
_READ = frozenset("seed num_return_sequences max_length logprobs return_token_ids".split())
_ROLES = ("system", "user", "assistant", "tool")
# The document has seeds above 0, and the contract any of 64 bits.
_SEEDS = 2**63 - 1
# What has a meaning in a regular expression. The server's own escapes are fewer than Python's.
_SPECIAL = re.compile(r"[\\.^$|?*+()\[\]{}]")


def build_body(
    request: GenerationRequest, text: str, *, choice: int, max_stop_strings: int
) -> dict[str, Any]:
    """The body for one choice of an answer to `text`. `options.max_new_tokens` is set.

    Raises:
        InvalidRequest: the server does not know an option.
    """
    options = request.options
    parameters: dict[str, Any] = {"max_new_tokens": options.max_new_tokens, "details": True}
    is_greedy = options.do_sample is False
    if options.do_sample is not None:
        parameters["do_sample"] = options.do_sample
    for name, value in set_options(options):
        if name in _SAMPLING and (is_neutral(name, value) or is_greedy):
            continue
        if name in _PENALTIES and is_neutral(name, value):
            continue
        if name in _SAMPLING or name in _PENALTIES:
            parameters[name] = value
        elif name == "top_logprobs" and value:
            parameters["top_n_tokens"] = value
        elif name not in _READ:
            reject_unless_neutral(name, value)
    if options.seed is not None and not is_greedy:
        parameters["seed"] = (options.seed + choice) % _SEEDS or _SEEDS
    if stops := options.stop[:max_stop_strings]:
        parameters["stop"] = list(stops)
    if options.logit_bias:
        raise InvalidRequest(
            "options.logit_bias",
            f"{len(options.logit_bias)} tokens",
            "is not supported by this model's engine; leave it out",
        )
    if request.adapter:
        parameters["adapter_id"] = request.adapter
    if request.structured_output:
        parameters["grammar"] = _grammar(request.structured_output)
    return {"inputs": text, "parameters": parameters}


def build_chat(conversation: Conversation) -> dict[str, Any]:
    """The body for the route that renders a conversation.

    Raises:
        InvalidRequest: a role is not known.
    """
    for index, message in enumerate(conversation.messages):
        check_role(index, message, _ROLES)
    messages = [{"role": each.role, "content": each.content} for each in conversation.messages]
    return {"messages": messages}


def _grammar(output: StructuredOutput) -> Mapping[str, Any]:
    if output.json_schema is not None:
        return {"type": "json", "value": _schema(output.json_schema)}
    if output.regex is not None:
        return {"type": "regex", "value": output.regex}
    if output.choice:
        return {"type": "regex", "value": "|".join(map(_escaped, output.choice))}
    name = "grammar" if output.grammar is not None else "json_object"
    raise InvalidRequest(
        f"structured_output.{name}",
        getattr(output, name),
        "is not supported by this model's engine; use json_schema, regex or choice",
    )


def _schema(text: str) -> Any:
    schema = parse_schema(text)
    if not isinstance(schema, dict) or "properties" not in schema:
        raise InvalidRequest(
            FIELD,
            text[:64],
            "this model's engine takes objects only; give the schema `properties`",
        )
    return schema


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: "\\" + found[0], text)
