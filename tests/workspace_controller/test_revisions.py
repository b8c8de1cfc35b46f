"""Each configuration that a workload was given is recorded, and an annotation goes back to one.

The world and the API server are fakes; the rest is the controller.
"""

from dataclasses import replace
from itertools import count
from typing import Literal

import pytest

from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.errors import Forbidden
from kaito_kube.kinds import Key, Manifest
from tests.workspace_controller.crashing import Crashing, Killed
from tests.workspace_controller.given import NAMESPACE, inference, inference_workspace, settings
from tests.workspace_controller.harness import Environment
from workspace_controller.settings import PodSettings, Settings

ADAPTER = {"source": {"name": "style", "image": "registry.local/style:1"}}
IMAGE = "image of model-server: registry.local/model-server"


def with_tag(tag: str) -> Settings:
    return settings(model_server=PodSettings(image=f"registry.local/model-server:{tag}"))


async def served(*tags: str) -> Environment:
    """A Workspace that was served with each of these versions."""
    environment = Environment(with_tag(tags[0]))
    environment.apply(inference_workspace())
    await environment.settle()
    for tag in tags[1:]:
        await upgrade(environment, tag)
    return environment


async def upgrade(environment: Environment, tag: str) -> None:
    environment.settings = with_tag(tag)
    environment.replica = environment.new_replica()
    await environment.settle(60)


async def annotate(environment: Environment, number: str | None) -> None:
    patch = {"metadata": {"annotations": {labels.UNDO_TO_REVISION: number}}}
    environment.cluster.change(kinds.WORKSPACE, Key(NAMESPACE, "ws"), patch)
    await environment.settle(60)


async def change(environment: Environment, **inference_: object) -> None:
    patch: Manifest = {"inference": inference(**inference_)}
    environment.cluster.change(kinds.WORKSPACE, Key(NAMESPACE, "ws"), patch)
    await environment.settle(60)


def history(environment: Environment) -> dict[int, str]:
    """What each recorded revision changed, by number."""
    found = environment.cluster.objects(kinds.CONTROLLER_REVISION)
    by_number = {each["revision"]: each["metadata"]["annotations"] for each in found}
    return {n: by_number[n]["kubernetes.io/change-cause"] for n in sorted(by_number)}


def tag(environment: Environment) -> str:
    """The version of model-server that is served."""
    deployment = environment.cluster.peek(kinds.DEPLOYMENT, "ws", NAMESPACE)
    assert deployment is not None
    server = deployment["spec"]["template"]["spec"]["containers"][0]
    return str(server["image"].rpartition(":")[2])


def reported(environment: Environment) -> Manifest:
    found: Manifest = environment.workspace()["status"]["revision"]
    return found


def ready(environment: Environment) -> tuple[str, str]:
    conditions = environment.workspace()["status"]["conditions"]
    found = next(c for c in conditions if c["type"] == "InferenceReady")
    return f"{found['status']}/{found['reason']}", found["message"]


async def test_each_configuration_is_recorded_with_what_changed() -> None:
    environment = await served("1", "2")
    await change(environment, adapters=[ADAPTER])
    assert history(environment) == {
        1: "the first revision that is recorded",
        2: f"{IMAGE}:1 → registry.local/model-server:2",
        3: 'adapters: + style; adapter strengths: {} → {"style": 1.0}',
    }
    (deployment,) = environment.cluster.objects(kinds.DEPLOYMENT)
    digest = deployment["metadata"]["annotations"][labels.REVISION]
    assert reported(environment) == {
        "number": 3,
        "name": f"ws-{digest}",
        "change": history(environment)[3],
    }


async def test_adapters_that_pods_pull_while_they_run_are_no_revision() -> None:
    environment = Environment(replace(with_tag("1"), administration_key="key"))
    environment.apply(inference_workspace())
    await environment.settle()
    pulled = {"source": {**ADAPTER["source"], "imagePullSecrets": ["pull"]}}
    await change(environment, adapters=[pulled])
    assert [*history(environment)] == [1]


async def test_revisions_are_listed_only_for_an_update() -> None:
    environment = await served("1")
    environment.cluster.calls.clear()
    for _ in range(3):
        await environment.replica.round()
    assert not [c for c in environment.cluster.calls if c.kind is kinds.CONTROLLER_REVISION]


async def test_only_the_newest_ten_are_kept() -> None:
    environment = await served(*map(str, range(1, 13)))
    assert [*history(environment)] == [*range(3, 13)]
    assert reported(environment)["number"] == 12


async def test_annotation_goes_back_and_holds_until_it_is_removed() -> None:
    environment = await served("1", "2", "3")
    await annotate(environment, "1")
    assert tag(environment) == "1"
    assert ready(environment) == (
        "True/RevisionPinned",
        "the model answers requests with revision 1, to which "
        "metadata.annotations[kaito.sh/undo-to-revision] went back; it stays until the annotation "
        "is removed or the Workspace changes",
    )
    assert reported(environment)["number"] == 1
    assert reported(environment)["undo"] == {"revision": 1, "generation": 1, "holds": True}
    assert [*history(environment)] == [1, 2, 3]
    await upgrade(environment, "4")
    assert tag(environment) == "1"
    await annotate(environment, None)
    assert tag(environment) == "4"
    assert ready(environment)[0] == "True/InferenceReady"
    assert "undo" not in reported(environment)
    assert reported(environment)["number"] == 4


async def test_a_changed_workspace_goes_on_from_there() -> None:
    environment = await served("1", "2")
    await annotate(environment, "1")
    await change(environment, adapters=[ADAPTER])
    assert tag(environment) == "2"
    assert ready(environment)[0] == "True/InferenceReady"
    assert reported(environment)["undo"] == {"revision": 1, "generation": 1, "holds": False}
    # The annotation is still there; another restart of the controller does not revive it.
    await upgrade(environment, "3")
    assert tag(environment) == "3"
    await annotate(environment, "2")
    assert tag(environment) == "2" and reported(environment)["undo"]["holds"]


async def test_an_undo_ends_what_the_user_changed() -> None:
    environment = await served("1")
    await change(environment, adapters=[ADAPTER])
    await annotate(environment, "1")
    (deployment,) = environment.cluster.objects(kinds.DEPLOYMENT)
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    assert not [volume for volume in volumes if volume["name"].startswith("adapter-")]


async def test_the_same_configuration_again_becomes_the_newest() -> None:
    environment = await served("1", "2", "1")
    assert history(environment) == {
        2: f"{IMAGE}:1 → registry.local/model-server:2",
        3: f"{IMAGE}:2 → registry.local/model-server:1",
    }
    assert reported(environment)["number"] == 3


async def test_a_revision_that_is_not_recorded_changes_nothing_and_says_so() -> None:
    environment = await served("1", "2")
    await annotate(environment, "7")
    assert tag(environment) == "2"
    assert ready(environment) == (
        "True/RevisionNotFound",
        "the model answers requests; metadata.annotations[kaito.sh/undo-to-revision] = 7 is no "
        "recorded revision: those are 1, 2; set one of them, or remove the annotation",
    )
    warnings = [
        e["note"] for e in environment.cluster.objects(kinds.EVENT) if e["type"] == "Warning"
    ]
    assert any("undo-to-revision] = 7" in note for note in warnings)


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "Job"},
        {"spec": {"template": None}},
        {"spec": {"template": {"spec": None}}},
        {"spec": {"template": {"spec": {"containers": None}}}},
        {"spec": {"replicas": None}},
        {"spec": {"replicas": "two"}},
    ],
    ids=["another kind", "no template", "no pod", "no container", "no replicas", "a word"],
)
async def test_a_record_that_was_made_by_hand_and_holds_no_workload_is_none(
    data: Manifest,
) -> None:
    environment = await served("1", "2")
    (first,) = [
        each
        for each in environment.cluster.objects(kinds.CONTROLLER_REVISION)
        if each["revision"] == 1
    ]
    patch: Manifest = {"data": data}
    environment.cluster.change(kinds.CONTROLLER_REVISION, kinds.key_of(first), patch)
    await annotate(environment, "1")
    assert (tag(environment), ready(environment)[0]) == ("2", "True/RevisionNotFound")


async def test_a_wrong_number_is_told_of_a_model_that_does_not_answer_as_well() -> None:
    environment = await served("1")
    environment.world.crashing.add("ws")
    await environment.settle()
    await annotate(environment, "7")
    status, message = ready(environment)
    assert status == "False/ContainerCrashed"
    assert message.endswith("those are 1; set one of them, or remove the annotation")
    assert message.count("undo-to-revision") == 1


async def test_the_way_back_from_a_change_that_does_not_start() -> None:
    environment = await served("1")
    environment.world.missing_images.add("registry.local/model-server:nope")
    await upgrade(environment, "nope")
    assert ready(environment)[0] == "False/UpdateFailed"
    await annotate(environment, "1")
    assert (tag(environment), ready(environment)[0]) == ("1", "True/RevisionPinned")
    (deployment,) = environment.cluster.objects(kinds.DEPLOYMENT)
    assert deployment["metadata"]["annotations"][labels.UPDATING] == "false"


async def test_an_undo_waits_for_no_turn_in_a_rollout() -> None:
    environment = await served("1", "2")
    environment.apply(inference_workspace("a-failed"))
    await environment.settle()
    environment.world.missing_images.add("registry.local/model-server:nope")
    await upgrade(environment, "nope")
    conditions = environment.workspace("a-failed")["status"]["conditions"]
    assert "UpdateFailed" in {condition["reason"] for condition in conditions}
    await annotate(environment, "1")
    assert tag(environment) == "1"


async def test_the_revision_that_is_held_is_never_deleted() -> None:
    environment = await served(*map(str, range(1, 11)))
    await annotate(environment, "1")
    # A new revision is only given once the Workspace is not held any longer.
    environment.cluster.change(
        kinds.WORKSPACE, Key(NAMESPACE, "ws"), {"inference": inference(adapters=[ADAPTER])}
    )
    await annotate(environment, "2")
    assert {1, 2} <= history(environment).keys()
    assert tag(environment) == "2"


@pytest.mark.parametrize("when", ["before", "after"])
async def test_crash_at_any_call_loses_no_revision(when: Literal["before", "after"]) -> None:
    for at in count():
        environment = await served("1")
        environment.settings = with_tag("2")
        environment.replica = environment.new_replica(Crashing(environment.cluster, at, when))
        died, before = False, -1
        while before != environment.cluster.version:
            before = environment.cluster.version
            try:
                await environment.replica.round()
            except Killed:
                died, environment.replica, before = True, environment.new_replica(), -1
            environment.world.step()
        numbers = [*history(environment)]
        assert (tag(environment), numbers) == ("2", [1, 2]), f"crash {when} call {at}"
        assert reported(environment)["number"] == 2, f"crash {when} call {at}"
        if not died:
            break
    assert at > 5


async def test_an_old_workload_is_recorded_before_it_is_updated() -> None:
    """It is from a release that recorded none, and the new release brings a change as well."""
    environment = await served("1")
    for revision in environment.cluster.objects(kinds.CONTROLLER_REVISION):
        environment.cluster.change(kinds.CONTROLLER_REVISION, kinds.key_of(revision), None)
    patch = {"status": {"revision": None}}
    environment.cluster.change(kinds.WORKSPACE, Key(NAMESPACE, "ws"), patch)
    await upgrade(environment, "2")
    assert history(environment)[2] == f"{IMAGE}:1 → registry.local/model-server:2"
    await annotate(environment, "1")
    assert tag(environment) == "1"


async def test_a_refused_record_is_reported_and_the_model_is_not_updated() -> None:
    environment = await served("1")
    environment.settings = with_tag("2")
    environment.replica = environment.new_replica()
    await environment.replica.round()
    environment.world.step()
    for _ in range(2):
        error = Forbidden("controllerrevisions is forbidden")
        environment.cluster.fail_next("apply", error, kinds.CONTROLLER_REVISION)
    await environment.replica.round()
    conditions = environment.workspace()["status"]["conditions"]
    (found,) = [c["message"] for c in conditions if c["type"] == "ResourceReady"]
    assert found == "ControllerRevision: controllerrevisions is forbidden"
    environment.cluster._errors.clear()
    await environment.settle(60)
    assert [*history(environment)] == [1, 2]


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "one", "9" * 40])
async def test_what_is_no_number_is_refused_by_name(text: str) -> None:
    environment = await served("1")
    await annotate(environment, text)
    conditions = environment.workspace()["status"]["conditions"]
    (found,) = [c["message"] for c in conditions if c["reason"] == "WorkspaceInvalid"]
    assert found == (
        f"metadata.annotations[kaito.sh/undo-to-revision]: {text!r} is no revision: set the number "
        "of one that kubectl kaito history ws lists, or remove the annotation"
    )
    assert tag(environment) == "1"
