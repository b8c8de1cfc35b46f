"""What a user reads when something is wrong, and that it mends itself when the cause is gone."""

import pytest

from tools.demo.stage import Stage
from tools.demo.troubles import with_nodes, with_tuning
from tools.demo.troubles.provoke import provoke, row
from tools.demo.troubles.trouble import Trouble

TROUBLES = (*with_nodes.TROUBLES, *with_tuning.TROUBLES)


@pytest.mark.parametrize("trouble", TROUBLES, ids=[trouble.title for trouble in TROUBLES])
def test_one_condition_says_what_to_do(clean: Stage, trouble: Trouble) -> None:
    told = provoke(clean, trouble)
    print(row(trouble, told))
    assert told.status == "False"
    assert (told.recovered is not None) == (trouble.mend is not None)
