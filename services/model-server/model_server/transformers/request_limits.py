"""What this engine cannot serve although every option is within its bounds. Pure."""

from collections.abc import Sequence

from model_server.errors import InvalidRequest
from model_server.options import SamplingParams

# Each takes about 30 bytes of the answer, and of the event loop's time a microsecond.
_MAX_PROMPT_LOGPROBS = 100_000
# Beam search compares sums of the scores that these change or return.
_NOT_FOR_BEAMS = "logit_bias frequency_penalty presence_penalty logprobs prompt_logprobs".split()


def check_request(prompt: Sequence[int], params: SamplingParams, vocabulary: int) -> None:
    """Check a request whose prompt is tokenized and whose options are resolved.

    Raises:
        InvalidRequest: names the field.
    """
    for token in params.logit_bias:
        if token >= vocabulary:
            raise InvalidRequest(
                f"options.logit_bias[{token}]",
                params.logit_bias[token],
                f"the token is not in the vocabulary, whose ids are 0 to {vocabulary - 1}",
            )
    check_vocabulary(prompt, vocabulary, "input")
    if params.num_beams > 1:
        for name in _NOT_FOR_BEAMS:
            if value := getattr(params, name):
                raise InvalidRequest(
                    f"options.{name}", value, "is not available with num_beams above 1"
                )
    count = len(prompt) * (1 + params.top_logprobs)
    if params.prompt_logprobs and count > _MAX_PROMPT_LOGPROBS:
        raise InvalidRequest(
            "options.top_logprobs",
            params.top_logprobs,
            f"with prompt_logprobs, {len(prompt)} tokens of the prompt have {count} log "
            f"probabilities, and {_MAX_PROMPT_LOGPROBS} are the most; lower it",
        )


def check_vocabulary(tokens: Sequence[int], vocabulary: int, field: str) -> None:
    """Check that the model has an embedding of each token.

    Raises:
        InvalidRequest: names the token.
    """
    if not tokens:
        raise InvalidRequest(field, "", "the tokenizer finds no token in it")
    largest = max(tokens)
    if largest >= vocabulary:
        raise InvalidRequest(
            field, f"token {largest}", f"the model's tokens are 0 to {vocabulary - 1}"
        )
