from kaito_kube import errors
from kaito_kube.kinds import CONTROLLER_REVISION
from tests.kubectl_kaito.reconciled import Reconciled, reconciled
from tests.workspace_controller.given import inference_workspace, settings
from workspace_controller.settings import PodSettings


def served(*tags: str) -> Reconciled:
    """A Workspace that was served with each of these versions of model-server."""
    made = reconciled(inference_workspace(), model_server=_image(tags[0]))
    for tag in tags[1:]:
        made.environment.settings = settings(model_server=_image(tag))
        made.environment.replica = made.environment.new_replica()
        made.settle()
    return made


def _image(tag: str) -> PodSettings:
    return PodSettings(image=f"registry.local/model-server:{tag}")


def test_each_revision_says_what_it_changed_and_which_is_served() -> None:
    made = served("1", "2")
    result = made.console.run("history", "ws")
    assert result.code == 0
    heading, first, second = result.out.splitlines()
    assert heading.split() == ["REVISION", "NOW", "AGE", "CHANGE"]
    assert first.split()[:2] == ["1", "-"]
    assert second.split()[:2] == ["2", "served"]
    assert "registry.local/model-server:1 → registry.local/model-server:2" in second
    document = made.console.run("history", "ws", "-o", "json").json
    assert [(each["revision"], each["served"]) for each in document["revisions"]] == [
        (1, False),
        (2, True),
    ]
    assert document["heldAt"] is None


def test_before_the_first_pod_there_is_none() -> None:
    made = Reconciled().apply(inference_workspace())
    assert "No revision is recorded yet" in made.console.run("history", "ws").out


def test_a_missing_right_is_named() -> None:
    made = served("1")
    made.cluster.denied.add(CONTROLLER_REVISION)
    result = made.console.run("history", "ws")
    assert result.code == 5
    assert "controllerrevisions is forbidden" in result.err


def test_a_workspace_that_does_not_exist_is_named() -> None:
    result = served("1").console.run("history", "other")
    assert result.code == 4
    assert "other" in result.err


def test_an_outage_is_no_empty_history() -> None:
    made = served("1")
    made.cluster.outage = errors.Unavailable("10.0.0.1 does not answer")
    assert made.console.run("history", "ws").code == 3
