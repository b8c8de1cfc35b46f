"""A request of the contract as the body of an OpenAI request. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_server.engine import Conversation, GenerationRequest, TokenIds
from model_server.engine_server.set_options import reject_unless_neutral, set_options
from model_server.openai_server.capabilities import Capabilities
from model_server.openai_server.chat_bodies import chat_body
from model_server.openai_server.structured_outputs import structured_output_body
from model_server.options import GenerationOptions

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
# Contract's name, server's name. Those of the first group are OpenAI's, and every server has them.
_OPENAI = {
    "temperature": "temperature",
    "top_p": "top_p",
    "seed": "seed",
    "num_return_sequences": "n",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
}
# Those of the second are vLLM's, SGLang's and others'.
_EXTENSIONS = {
    "min_new_tokens": "min_tokens",
    "top_k": "top_k",
    "min_p": "min_p",
    "repetition_penalty": "repetition_penalty",
    "ignore_eos": "ignore_eos",
}
# Names in the server's errors, and the contract's paths.
_CONTRACT_FIELDS = {
    "messages": "chat.messages",
    "prompt": "input",
    "input_tokens": "input",
    "max_tokens": "options.max_new_tokens",
    "max_completion_tokens": "options.max_new_tokens",
    "stop": "options.stop",
    "logit_bias": "options.logit_bias",
    "logprobs": "options.logprobs",
    "top_logprobs": "options.top_logprobs",
    "prompt_logprobs": "options.prompt_logprobs",
    "tools": "chat.tools",
    "tool_choice": "chat.tool_choice",
    "response_format": "structured_output",
    "structured_outputs": "structured_output",
    "priority": "priority",
    **{theirs: f"options.{own}" for own, theirs in (_OPENAI | _EXTENSIONS).items()},
}
# vLLM's field by which a token is named by its id: its text may be that of others, too.
_NAMES_TOKENS = "return_tokens_as_token_ids"
_TOKEN_OPTIONS = frozenset("logprobs top_logprobs prompt_logprobs return_token_ids".split())


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """The path and the JSON body of a request to the server."""

    path: str
    body: Mapping[str, Any]

    @property
    def is_streamed(self) -> bool:
        """Whether the server is asked to stream the answer."""
        return bool(self.body["stream"])


def build_request(
    request: GenerationRequest, model: str, capabilities: Capabilities
) -> EngineRequest:
    """The request to the server that serves `model` under that name.

    `options.max_new_tokens` is set.

    Raises:
        InvalidRequest: the server does not know an option.
    """
    prompt = request.prompt
    if isinstance(prompt, Conversation):
        path, fields = CHAT, capabilities.chat_fields
        body = chat_body(prompt, fields)
    else:
        path, fields = COMPLETIONS, capabilities.completion_fields
        body = {"prompt": list(prompt.ids) if isinstance(prompt, TokenIds) else prompt}
    body |= {"model": model, "stream": True, "stream_options": {"include_usage": True}}
    body |= _options(request.options, fields)
    if request.structured_output:
        body |= structured_output_body(request.structured_output, fields)
    if request.priority:
        body["priority"] = request.priority
    if _NAMES_TOKENS in fields:
        body |= _token_options(request.options, is_chat=path == CHAT)
    if request.options.prompt_logprobs:
        # vLLM has them in whole answers only.
        body["stream"] = False
        del body["stream_options"]
    return EngineRequest(path, body)


def contract_field(name: str | None) -> str | None:
    """The contract's path of a field that the server names in an error, if there is one."""
    return _CONTRACT_FIELDS.get(name or "")


def _options(options: GenerationOptions, fields: frozenset[str]) -> dict[str, Any]:
    body: dict[str, Any] = {"max_tokens": options.max_new_tokens}
    for name, value in set_options(options):
        if name in _TOKEN_OPTIONS and _NAMES_TOKENS in fields:
            continue
        if (target := _OPENAI.get(name)) or (
            (target := _EXTENSIONS.get(name)) and target in fields
        ):
            body[target] = value
        else:
            reject_unless_neutral(name, value)
    # Unset means the model's own default, as it does for the server.
    if options.do_sample is False:
        body |= _greedy(options, fields)
    if options.stop:
        body["stop"] = list(options.stop)
    if options.logit_bias:
        body["logit_bias"] = {str(token): value for token, value in options.logit_bias.items()}
    return body


def _greedy(options: GenerationOptions, fields: frozenset[str]) -> dict[str, Any]:
    """Take the likeliest token. vLLM refuses a temperature of 0 together with several choices."""
    if (options.num_return_sequences or 1) > 1 and "top_k" in fields:
        return {"temperature": 1, "top_k": 1}
    return {"temperature": 0}


def _token_options(options: GenerationOptions, *, is_chat: bool) -> dict[str, Any]:
    """vLLM's fields for log probabilities and ids. A completion has one field for both numbers."""
    top = options.top_logprobs or 0
    body: dict[str, Any] = {}
    if options.logprobs:
        body |= {"logprobs": True, "top_logprobs": top} if is_chat else {"logprobs": top}
        body[_NAMES_TOKENS] = True
    if options.prompt_logprobs:
        body["prompt_logprobs"] = top
    if options.return_token_ids or options.prompt_logprobs:
        body["return_token_ids"] = True
    return body
