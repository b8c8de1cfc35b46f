"""What a user reads when something is wrong, and that it mends itself when the cause is gone."""

import pytest

from tools.demo.stage import Stage
from tools.demo.trouble import TROUBLES, Trouble, provoke, row


@pytest.mark.parametrize("trouble", TROUBLES, ids=[trouble.title for trouble in TROUBLES])
def test_one_condition_says_what_to_do(clean: Stage, trouble: Trouble) -> None:
    told = provoke(clean, trouble)
    print(row(trouble, told))
    assert told.status == "False"
    assert (told.recovered is not None) == (trouble.mend is not None)
