"""Every expected failure has its gRPC status code."""

from model_server import errors
from model_server.contract.status_codes import STATUS_CODES


def test_table_is_complete() -> None:
    kinds = {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, errors.InferenceError)
        and kind is not errors.InferenceError
    }
    assert set(STATUS_CODES) == kinds
