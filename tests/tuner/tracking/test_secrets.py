"""Secrets of the environment do not reach the log through other libraries' errors."""

import pytest

from tuner.tracking.secrets import without_secrets

ENVIRON = {"WANDB_API_KEY": "0123456789abcdef", "MLFLOW_TRACKING_TOKEN": "t0psecret", "A_KEY": "1"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bad key 0123456789abcdef", "bad key ***"),
        ("Bearer t0psecret refused", "Bearer *** refused"),
        ("cannot reach https://me:pw@mlflow:5000/api", "cannot reach https://***@mlflow:5000/api"),
        ("step 1 of http://mlflow:5000", "step 1 of http://mlflow:5000"),
    ],
)
def test_secrets_are_replaced(text: str, expected: str) -> None:
    assert without_secrets(text, ENVIRON) == expected
