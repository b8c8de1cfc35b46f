"""Every reason that a Workspace can show leads to a command."""

import re

import pytest

from kaito_api.blocking import IN_PROGRESS
from kaito_api.reasons import Reason
from kubectl_kaito.why.next_steps import next_steps

NAMES = {"name": "ws", "namespace": "team", "model": "phi-4"}
_COMMAND = re.compile(r"^(kubectl|az|helm) [\w\-./:=,$ {}]+$")


@pytest.mark.parametrize("reason", list(Reason), ids=str)
def test_every_reason_has_commands_without_open_placeholders(reason: Reason) -> None:
    commands = next_steps(reason, NAMES)
    assert commands
    for command in commands:
        assert _COMMAND.match(command), command
        assert "{" not in command


def test_a_failure_is_not_only_watched() -> None:
    failures = [r for r in Reason if r.conditions != ("Event",) and r not in IN_PROGRESS]
    for reason in failures:
        commands = next_steps(reason, NAMES)
        assert any("--watch" not in command for command in commands), reason


@pytest.mark.parametrize(
    ("reason", "first"),
    [
        (Reason.SPOT_EVICTED, "kubectl describe $CLAIM"),
        (Reason.UPDATE_WAITING, "kubectl -n team describe pod $POD"),
        (Reason.WORKSPACE_FAILED, "kubectl kaito status ws -n team --watch"),
    ],
)
def test_a_reason_without_a_step_of_its_own_is_looked_at_where_it_shows(
    reason: Reason, first: str
) -> None:
    assert next_steps(reason, NAMES)[0] == first


def test_what_is_not_known_stands_as_a_variable_to_fill_in() -> None:
    (first, *_) = next_steps("QuotaExceeded", NAMES)
    assert first == "az vm list-usage --location $REGION -o table"


def test_a_foreign_reason_is_described() -> None:
    commands = next_steps("Whatever", NAMES)
    assert commands == ["kubectl -n team describe workspace ws"]
