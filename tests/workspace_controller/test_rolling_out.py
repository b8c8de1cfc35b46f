"""A change of the release's configuration reaches one Workspace at a time, and stops at a failure.

The world and the API server are fakes; the rest is the controller.
"""

from collections.abc import Iterable
from itertools import count
from typing import Literal

import pytest

from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.errors import Forbidden
from kaito_kube.kinds import Key, Manifest
from tests.workspace_controller.crashing import Crashing, Killed
from tests.workspace_controller.given import (
    NAMESPACE,
    inference,
    inference_workspace,
    settings,
)
from tests.workspace_controller.harness import Environment
from workspace_controller.settings import PodSettings, Settings

NAMES = ("a", "b", "c")
GOOD, WRONG, OTHER = (f"registry.local/model-server:{tag}" for tag in ("1", "nope", "2"))
ADAPTER = {"source": {"name": "style", "image": "registry.local/style:1"}}


REQUESTS = {"requests": {"cpu": "500m", "memory": "1Gi"}}


def with_image(image: str) -> Settings:
    small = PodSettings(image="registry.local/gateway:1", resources=REQUESTS)
    return settings(model_server=PodSettings(image=image, resources=REQUESTS), gateway=small)


async def serving(names: Iterable[str] = NAMES, image: str = GOOD) -> Environment:
    """Workspaces that all answer."""
    environment = Environment(with_image(image))
    environment.world.missing_images.add(WRONG)
    for name in names:
        environment.apply(inference_workspace(name))
    await environment.settle()
    return environment


async def upgrade(environment: Environment, image: str) -> None:
    environment.settings = with_image(image)
    environment.replica = environment.new_replica()
    await environment.settle(60)


def images(environment: Environment) -> list[str]:
    """The tag of the model-server in each Deployment, by name."""
    found = []
    for deployment in environment.cluster.objects(kinds.DEPLOYMENT):
        (server, _) = deployment["spec"]["template"]["spec"]["containers"]
        found.append(server["image"].rpartition(":")[2])
    return found


def ready(environment: Environment, name: str) -> tuple[str, str]:
    """InferenceReady of a Workspace: status and reason, and the message."""
    conditions = environment.workspace(name)["status"]["conditions"]
    found = next(c for c in conditions if c["type"] == "InferenceReady")
    return f"{found['status']}/{found['reason']}", found["message"]


def warnings(environment: Environment, name: str) -> list[str]:
    return [
        event["note"]
        for event in environment.cluster.objects(kinds.EVENT)
        if event["regarding"]["name"] == name and event["type"] == "Warning"
    ]


async def test_wrong_tag_stops_at_the_first_workspace_and_says_so() -> None:
    environment = await serving()
    await upgrade(environment, WRONG)
    assert images(environment) == ["nope", "1", "1"]
    assert ready(environment, "a") == (
        "False/UpdateFailed",
        "the pod with the release's new configuration does not become ready: container "
        f"model-server: cannot pull image {WRONG}: {WRONG}: not found; all other Workspaces keep "
        "their configuration meanwhile",
    )
    held = (
        "True/UpdateHeld",
        "the model answers requests with the release's old configuration; the new one is held "
        "back, because Workspace team/a does not become ready with it",
    )
    assert [ready(environment, name) for name in "bc"] == [held, held]
    assert warnings(environment, "a")[-1].startswith("InferenceReady=False: the pod with the rel")
    assert warnings(environment, "b") == [f"InferenceReady=True: {held[1]}"]


@pytest.mark.parametrize("image", [GOOD, OTHER], ids=["back", "corrected"])
async def test_rollout_resumes_by_itself_once_the_tag_is_right(image: str) -> None:
    environment = await serving()
    await upgrade(environment, WRONG)
    await upgrade(environment, image)
    assert set(images(environment)) == {image.rpartition(":")[2]}
    assert {ready(environment, name)[0] for name in NAMES} == {"True/InferenceReady"}
    for deployment in environment.cluster.objects(kinds.DEPLOYMENT):
        assert deployment["metadata"]["annotations"][labels.UPDATING] == "false"


async def test_good_tag_reaches_all_and_at_most_one_does_not_answer() -> None:
    environment = await serving()
    environment.settings = with_image(OTHER)
    environment.replica = environment.new_replica()
    reasons, most = set[str](), 0
    for _ in range(40):
        await environment.replica.round()
        reasons |= {ready(environment, name)[0] for name in NAMES}
        most = max(most, len(away(environment)))
        environment.world.step()
        most = max(most, len(away(environment)))
        environment.clock.advance(5)
    assert images(environment) == ["2", "2", "2"] and most == 1
    assert "True/UpdateWaiting" in reasons
    assert {ready(environment, name)[0] for name in NAMES} == {"True/InferenceReady"}


async def test_users_change_is_not_held_by_a_stopped_rollout() -> None:
    environment = await serving()
    await upgrade(environment, WRONG)
    environment.world.missing_images.clear()
    environment.world.missing_images.add("none")
    key = Key(NAMESPACE, "c")
    patch = {"inference": inference(adapters=[ADAPTER]), "metadata": {"generation": 2}}
    environment.cluster.change(kinds.WORKSPACE, key, patch)
    await environment.replica.round()
    assert images(environment) == ["nope", "1", "nope"]


@pytest.mark.parametrize(
    ("image", "expected"), [(OTHER, ["2", "2", "2"]), (WRONG, ["nope", "nope", "1"])]
)
async def test_workspace_that_was_broken_before_neither_holds_others_nor_is_skipped(
    image: str, expected: list[str]
) -> None:
    environment = await serving()
    environment.world.crashing.add("a")
    environment.world.step()
    await environment.settle()
    assert ready(environment, "a")[0] == "False/ContainerCrashed"
    await upgrade(environment, image)
    assert images(environment) == expected


async def test_workspace_that_breaks_after_its_update_does_not_stop_the_rollout() -> None:
    environment = await serving()
    environment.settings = with_image(OTHER)
    environment.replica = environment.new_replica()
    while ready(environment, "b")[0] != "False/InferencePending":
        await environment.replica.round()
        environment.world.step()
    environment.world.crashing.add("a")
    await environment.settle()
    assert images(environment) == ["2", "2", "2"]


async def test_node_with_room_starts_the_new_pod_beside_the_old_one() -> None:
    environment = await serving(["a"])
    (node,) = environment.cluster.objects(kinds.NODE)
    allocatable = {"nvidia.com/gpu": "2", "cpu": "8", "memory": "64Gi"}
    patch = {"status": {"allocatable": allocatable}}
    environment.cluster.change(kinds.NODE, kinds.key_of(node), patch)
    await upgrade(environment, WRONG)
    status, message = ready(environment, "a")
    assert status == "True/UpdateFailed"
    assert message.startswith("the model answers requests from its old pod; its new pod does not")
    assert environment.workspace("a")["status"]["state"] == "Ready"
    await upgrade(environment, OTHER)
    assert ready(environment, "a")[0] == "True/InferenceReady"
    assert len(environment.cluster.objects(kinds.POD)) == 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_crash_at_any_call_updates_one_at_a_time(when: Literal["before", "after"]) -> None:
    for at in count():
        environment = await serving("ab")
        environment.settings = with_image(OTHER)
        environment.replica = environment.new_replica(Crashing(environment.cluster, at, when))
        died, before = False, -1
        while before != environment.cluster.version:
            before = environment.cluster.version
            try:
                await environment.replica.round()
            except Killed:
                died, environment.replica, before = True, environment.new_replica(), -1
            assert len(away(environment)) <= 1, f"crash {when} call {at}"
            environment.world.step()
        assert images(environment) == ["2", "2"], f"crash {when} call {at}"
        reasons = {ready(environment, name)[0] for name in "ab"}
        assert reasons == {"True/InferenceReady"}, f"crash {when} call {at}"
        if not died:
            break
    assert at > 5


async def test_refused_update_does_not_hold_the_others() -> None:
    environment = await serving()
    environment.settings = with_image(OTHER)
    environment.replica = environment.new_replica()
    refusal = Forbidden('admission webhook "policy" denied the request')
    environment.cluster.fail_next("apply", refusal, kinds.DEPLOYMENT)
    await environment.replica.round()
    assert images(environment) == ["1", "2", "1"]
    await environment.settle()
    assert images(environment) == ["2", "2", "2"]


def away(environment: Environment) -> list[Manifest]:
    """The Deployments that lack a pod which answers."""
    return [
        deployment
        for deployment in environment.cluster.objects(kinds.DEPLOYMENT)
        if not any(
            (pod.get("status") or {}).get("phase") == "Running"
            and any(
                reference["uid"] == deployment["metadata"]["uid"]
                for reference in pod["metadata"]["ownerReferences"]
            )
            for pod in environment.cluster.objects(kinds.POD)
        )
    ]
