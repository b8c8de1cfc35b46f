"""The model-server may not import kaito_api: its reasons are compared with the Workspace's here."""

import pytest

from kaito_api.condition_types import INFERENCE_READY
from kaito_api.reasons import Reason
from model_server.startup.termination import TerminationReason


@pytest.mark.parametrize("reason", TerminationReason)
def test_reason_is_one_of_the_inference_condition(reason: TerminationReason) -> None:
    known = Reason[reason.name]
    assert known.value == reason.value
    assert INFERENCE_READY in known.conditions
