"""The table of reasons: each explained once, each failure with a way out."""

import re

import pytest

from kaito_api.reasons import _TABLE, REASONS, Reason, is_permanent, reason


def test_no_reason_stands_twice() -> None:
    assert len(REASONS) == len(_TABLE)


@pytest.mark.parametrize("row", _TABLE, ids=[row.code for row in _TABLE])
def test_every_reason_is_whole(row: Reason) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z]+", row.code)
    assert row.conditions
    assert row.meaning.endswith(".")
    assert row.remedy.endswith(".") or not row.remedy
    assert row.remedy or not row.permanent, "a failure that stays needs a remedy"


def test_unknown_reasons_may_pass() -> None:
    assert is_permanent("DataColumnMissing")
    assert not is_permanent("DataUnreachable")
    assert not is_permanent("SomeoneElsesReason")
    with pytest.raises(KeyError):
        reason("SomeoneElsesReason")
