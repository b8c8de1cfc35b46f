"""Every kind of expected trouble has its gRPC status."""

from model_server import errors
from model_server.status import STATUS


def test_table_is_complete() -> None:
    kinds = {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, errors.InferenceError)
        and kind is not errors.InferenceError
    }
    assert set(STATUS) == kinds
