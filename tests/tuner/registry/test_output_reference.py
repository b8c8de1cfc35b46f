"""The reference in tuning.output.image."""

import pytest

from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.registry.output_reference import output_reference


def test_reference_to_push_to_is_parsed() -> None:
    assert str(output_reference("acr.azurecr.io/a/b:0.0.1")) == "acr.azurecr.io/a/b:0.0.1"


@pytest.mark.parametrize("text", ["", "h.io/A:1", "h.io/a@sha256:" + "0" * 64])
def test_what_nothing_can_be_pushed_to_is_refused(text: str) -> None:
    with pytest.raises(RunError, match="use <registry>/<repository>:<tag>") as caught:
        output_reference(text)
    assert caught.value.reason is Reason.PUSH_FAILED
    assert not caught.value.retryable
    assert repr(text) in caught.value.message
