"""Reasons: explained once, and every permanent failure with a remedy."""

import json
import re

import pytest

from kaito_api.reasons import REASONS, Reason, is_permanent


def test_no_code_appears_twice() -> None:
    assert len(REASONS) == len(Reason.__members__)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_complete(reason: Reason) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z]+", reason.value)
    assert reason.name == re.sub(r"(?<!^)(?=[A-Z])", "_", reason.value).upper()
    assert reason.conditions
    assert reason.meaning.endswith(".")
    assert reason.remedy.endswith(".") or not reason.remedy
    assert reason.remedy or not reason.permanent, "a permanent failure needs a remedy"


def test_a_reason_is_its_code_wherever_text_is_written() -> None:
    assert (
        f"{Reason.DATA_EMPTY}"
        == "".join([Reason.DATA_EMPTY])
        == str(Reason.DATA_EMPTY)
        == "DataEmpty"
    )
    assert json.dumps({"reason": Reason.DATA_EMPTY}) == '{"reason": "DataEmpty"}'


def test_unknown_reasons_count_as_temporary() -> None:
    assert is_permanent("DataColumnMissing")
    assert not is_permanent("DataUnreachable")
    assert not is_permanent("SomeoneElsesReason")
