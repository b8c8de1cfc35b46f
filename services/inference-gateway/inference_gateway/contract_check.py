"""Checks that a model-server's answer keeps to the contract, so that a broken one is an error.

Without the checks a stream that just stops would look like an answer that is complete.
"""

from dataclasses import dataclass, field

from grpc import StatusCode

from inference_gateway.backends.backend import BackendError
from kaito.inference.v1 import inference_pb2 as pb

_FINISH_REASONS = frozenset(pb.FinishReason.values()) - {pb.FINISH_REASON_UNSPECIFIED}


def choice_count(request: pb.GenerateRequest) -> int:
    """How many choices the request asks for."""
    return request.options.num_return_sequences or 1


def check_response(request: pb.GenerateRequest, response: pb.GenerateResponse) -> None:
    """Checks a whole answer.

    Raises:
        BackendError: UNKNOWN, the answer breaks the contract.
    """
    choices = list(response.choices)
    expected = choice_count(request)
    if len(choices) != expected or any(c.index != i for i, c in enumerate(choices)):
        indices = [choice.index for choice in choices]
        raise _broken(f"choices {indices} instead of {expected}")
    for choice in choices:
        _check_finish_reason(choice.finish_reason)


@dataclass(slots=True, kw_only=True)
class StreamCheck:
    """Checks a streamed answer to `prompts` prompts with `choices` choices each."""

    prompts: int
    choices: int
    _ended: set[tuple[int, int]] = field(default_factory=set)

    def check(self, prompt_index: int, message: pb.StreamGenerateResponse) -> None:
        """Checks one message. Called for every token.

        Raises:
            BackendError: UNKNOWN, the message breaks the contract.
        """
        if message.index >= self.choices:
            raise _broken(f"a message for choice {message.index} of {self.choices}")
        if not self._ended and not message.finish_reason:
            return
        choice = prompt_index, message.index
        # A message that carries only the usage may follow the last finish reason.
        if choice in self._ended and (message.text or message.finish_reason or message.tool_calls):
            raise _broken(f"choice {message.index} continued after its finish reason")
        if message.finish_reason:
            _check_finish_reason(message.finish_reason)
            self._ended.add(choice)

    def check_end(self) -> None:
        """Checks that every choice has ended.

        Raises:
            BackendError: UNKNOWN, the stream ended before a choice did.
        """
        missing = self.prompts * self.choices - len(self._ended)
        if missing:
            raise _broken(f"the stream ended before {missing} of its choices had a finish reason")


def _check_finish_reason(value: int) -> None:
    if value not in _FINISH_REASONS:
        raise _broken(f"finish_reason = {value}")


def _broken(what: str) -> BackendError:
    return BackendError(StatusCode.UNKNOWN, f"the model-server broke its contract: {what}")
