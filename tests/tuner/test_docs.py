"""docs/tuning.md agrees with the code."""

import re
from pathlib import Path

from tests.recording_environment import RecordingEnvironment
from tuner.reasons import RETRYABLE, Reason
from tuner.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "tuning.md").read_text()
# A variable and its default, the first two cells of a row.
VARIABLE = re.compile(r"^\| `([A-Z0-9_]+)` \| (?:`([^`]*)`)? ?\|", re.MULTILINE)
VARIABLES = dict(VARIABLE.findall(PAGE.split("## Environment")[1]))
# Some variables are read on the second of two nodes only.
SECOND_NODE = {"KAITO_NODES": "2", "KAITO_NODE_RANK": "1", "KAITO_RENDEZVOUS": "first:29400"}


def test_every_variable_is_listed() -> None:
    environment = RecordingEnvironment(SECOND_NODE)
    Settings.from_env(environment)
    assert set(VARIABLES) == environment.names_read


def test_every_default_is_the_one_of_the_code() -> None:
    documented = {name: default for name, default in VARIABLES.items() if default}
    assert Settings.from_env(documented) == Settings.from_env({})


def test_every_reason_is_listed() -> None:
    rows = re.findall(r"^\| `([A-Z][A-Za-z]+)` \| .* \| (\w+).*\|$", PAGE, re.MULTILINE)
    retried = {name: answer for name, answer in rows if answer in ("yes", "no")}
    assert set(retried) == set(Reason)
    assert {name for name, answer in retried.items() if answer == "yes"} == RETRYABLE
