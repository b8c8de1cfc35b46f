"""What can go wrong between a request and its answer, as one small tree.

Independent of gRPC: `status_codes.py` maps these errors to status codes.

    InferenceError
    ├── InvalidRequest      a field's value is out of bounds
    ├── NotSupported        the engine does not have what the call needs
    ├── ModelNotFound       no such model or adapter is loaded
    ├── AdapterExists       the adapter's name is taken
    ├── AdapterInvalid      the files are not an adapter of this model
    ├── AdapterRequired     the adapter cannot be unloaded
    ├── Overloaded          the queue, or the number of adapters, is at its limit
    ├── Unavailable         still loading, or already draining
    ├── ModelLoadFailed     the model's files do not load
    ├── GenerationFailed    one answer cannot be continued; all others can
    └── EngineFailed        the engine broke while it was running
"""

# Longer values are shortened in messages: a prompt may be a megabyte.
_MAX_SHOWN_CHARACTERS = 80
# Libraries quote what they reject, and gRPC ends a call whose status is longer than some kilobytes.
_MAX_PROBLEM_CHARACTERS = 800


class InferenceError(Exception):
    """An expected failure. The message names the problem and the remedy."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def log_message(self) -> str:
        """The message for the log, without anything that a client sent."""
        return self.message


class InvalidRequest(InferenceError):
    """A field holds a value that cannot be served."""

    def __init__(self, field: str, value: object, problem: str) -> None:
        shown = repr(_as_sent(value) if isinstance(value, float) else value)
        if len(shown) > _MAX_SHOWN_CHARACTERS:
            shown = shown[: _MAX_SHOWN_CHARACTERS - 3] + "..."
        if len(problem) > _MAX_PROBLEM_CHARACTERS:
            problem = problem[: _MAX_PROBLEM_CHARACTERS - 3] + "..."
        super().__init__(f"{field} = {shown}: {problem}")
        self.field = field
        self.value = value
        self.problem = problem

    @property
    def log_message(self) -> str:
        # A value may be part of a prompt, and a template's error may quote one.
        return f"{self.field} is rejected"


def _as_sent(value: float) -> float:
    """The decimal number that a client sent as float32: 1.2 in place of 1.2000000476837158."""
    return float(f"{value:.7g}")


class NotSupported(InferenceError):
    """The engine does not have what the call needs, for any request."""


class ModelNotFound(InferenceError):
    """The name is neither the base model's nor that of a loaded adapter."""

    @property
    def log_message(self) -> str:
        return "the model that the request names is not loaded"


class AdapterExists(InferenceError):
    """Another folder is already served under that name."""


class AdapterInvalid(InferenceError):
    """The files are not a safetensors LoRA adapter of this base model."""


class AdapterRequired(InferenceError):
    """The adapter answers requests that name no model, so it cannot be unloaded."""


class Overloaded(InferenceError):
    """A limit is reached; the same call may succeed later."""


class Unavailable(InferenceError):
    """The server cannot answer now: it is loading its model or draining."""


class ModelLoadFailed(InferenceError):
    """The model's files, or the memory for them, are missing: a permanent failure."""


class GenerationFailed(InferenceError):
    """One sequence ended with an error; the engine and all other sequences continue."""


class EngineFailed(InferenceError):
    """The engine broke; the process exits and the kubelet restarts it."""
