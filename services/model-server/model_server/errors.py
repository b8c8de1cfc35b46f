"""What can go wrong between a request and its answer, as one small tree.

Knows no gRPC: `status.py` holds the one table from these to status codes.

    InferenceError
    ├── InvalidRequest      a field's value is out of bounds
    ├── ModelNotFound       no such model or adapter is loaded
    ├── AdapterExists       the adapter's name is taken
    ├── AdapterInvalid      the adapter's files do not fit
    ├── AdapterRequired     the adapter cannot be taken away
    ├── Overloaded          the queue, or the room for adapters, is full
    ├── Unavailable         still loading, or already draining
    ├── ModelLoadFailed     the model's files do not load
    └── EngineFailed        the engine broke while it was working
"""


class InferenceError(Exception):
    """Expected trouble. The message names what is wrong and what to do about it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidRequest(InferenceError):
    """A field holds a value that cannot be served."""

    def __init__(self, field: str, value: object, problem: str) -> None:
        shown = repr(value) if len(repr(value)) <= 80 else repr(value)[:77] + "..."
        super().__init__(f"{field} = {shown}: {problem}")
        self.field = field


class ModelNotFound(InferenceError):
    """The name is neither the base model's nor that of a loaded adapter."""


class AdapterExists(InferenceError):
    """Another folder is already served under that name."""


class AdapterInvalid(InferenceError):
    """The files are no safetensors LoRA adapter of this base model."""


class AdapterRequired(InferenceError):
    """The adapter answers the requests that name no model, so it has to stay."""


class Overloaded(InferenceError):
    """More was asked for than there is room for; the same call may succeed later."""


class Unavailable(InferenceError):
    """The server cannot answer now: it is loading its model or going away."""


class ModelLoadFailed(InferenceError):
    """The model's files, or the memory they need, are not there. Trying again will not help."""


class EngineFailed(InferenceError):
    """The engine broke down; the process ends and is started again."""
