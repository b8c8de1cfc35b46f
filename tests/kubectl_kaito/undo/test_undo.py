import pytest

from kaito_api.labels import UNDO_TO_REVISION
from kaito_kube import kinds
from kaito_kube.kinds import Key
from tests.kubectl_kaito.history.test_history import served
from tests.kubectl_kaito.reconciled import Reconciled
from tests.workspace_controller.given import inference


def annotation(made: Reconciled) -> str | None:
    found: dict[str, str] = made.environment.workspace()["metadata"]["annotations"]
    return found.get(UNDO_TO_REVISION)


def test_the_revision_before_is_the_default_and_it_holds_until_the_end() -> None:
    made = served("1", "2", "3")
    result = made.console.run("undo", "ws")
    assert result.code == 0
    assert result.out.startswith("Workspace team/ws goes back from revision 3 to revision 2 (image")
    assert annotation(made) == "2"
    made.settle()
    shown = made.console.run("history", "ws").out
    assert "held at revision 2; `kubectl kaito undo ws -n team --end`" in shown
    assert made.console.run("history", "ws", "-o", "json").json["heldAt"] == 2
    # From there, the one before is another one.
    assert "revision 2 to revision 1" in made.console.run("undo", "ws").out
    ended = made.console.run("undo", "ws", "--end")
    assert ended.out.startswith("Workspace team/ws goes on to its newest configuration.")
    assert annotation(made) is None
    made.settle()
    served_now = made.console.run("history", "ws", "-o", "json").json["revisions"]
    assert [each["revision"] for each in served_now if each["served"]] == [3]


def test_a_revision_can_be_named() -> None:
    made = served("1", "2", "3")
    assert made.console.run("undo", "ws", "--to-revision", "1").code == 0
    assert annotation(made) == "1"


def test_an_undo_that_a_change_has_ended_is_repeated_once_its_annotation_is_gone() -> None:
    """The annotation has the number already, so setting it again would do nothing."""
    made = served("1", "2")
    again = ("undo", "ws", "--to-revision", "1")
    assert made.console.run(*again).code == 0
    made.settle()
    patch = {"inference": inference(adapters=[{"source": {"name": "a", "image": "r.io/a:1"}}])}
    made.environment.cluster.change(kinds.WORKSPACE, Key("team", "ws"), patch)
    made.settle()
    refused = made.console.run(*again)
    assert refused.code == 2
    assert "an undo to revision 1 has ended with a change" in refused.err
    assert "run `kubectl kaito undo ws -n team --end` first" in refused.err
    made.console.run("undo", "ws", "--end")
    made.settle()
    assert made.console.run(*again).code == 0
    made.settle()
    assert made.console.run("history", "ws", "-o", "json").json["heldAt"] == 1


@pytest.mark.parametrize(
    ("tags", "arguments", "text"),
    [
        ("12", ("--to-revision", "9"), "--to-revision 9 is not recorded: 1, 2"),
        ("1", (), "no revision before the served one is recorded: recorded are 1"),
        ("12", ("--end", "--to-revision", "1"), "leave --to-revision out"),
    ],
    ids=["unknown", "oldest", "both"],
)
def test_what_cannot_be_undone_changes_nothing(
    tags: str, arguments: tuple[str, ...], text: str
) -> None:
    made = served(*tags)
    result = made.console.run("undo", "ws", *arguments)
    assert result.code == 2
    assert text in result.err
    assert annotation(made) is None
