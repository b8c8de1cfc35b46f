"""The list of models for the cluster-wide gateway."""

import asyncio

import pytest
import yaml

from kaito_kube import errors, kinds
from kaito_kube.fake import FakeCluster
from kaito_kube.kinds import Manifest
from kaito_kube.store import Store
from tests.workspace_controller.given import (
    RELEASE,
    inference_workspace,
    settings,
    stored,
    tuning_workspace,
)
from workspace_controller.model_registry import ModelRegistry, backends

READY = {"conditions": [{"type": "InferenceReady", "status": "True"}]}


def answering(manifest: Manifest, **metadata: str) -> Manifest:
    return {**stored(manifest, **metadata), "status": READY}


def listed(*workspaces: Manifest) -> list[str]:
    return [e["workspace"] for e in yaml.safe_load(backends(workspaces))["backends"]]


def test_models_that_answer_are_listed_in_order() -> None:
    given = (answering(tuning_workspace("b")), answering(inference_workspace("a")))
    assert listed(*given) == ["a", "b"]
    assert yaml.safe_load(backends(given))["backends"][1] == {
        "model": "phi-3-mini-128k-instruct",
        "namespace": "team",
        "workspace": "b",
        "address": "b.team.svc:29500",
    }


def test_an_engine_in_the_users_own_pods_is_listed_by_the_name_of_its_workspace() -> None:
    ports = [{"name": "tgi", "containerPort": 8000}]
    template = {"spec": {"containers": [{"name": "own", "image": "i", "ports": ports}]}}
    given = answering(inference_workspace("mine", inference={"template": template}))
    (entry,) = yaml.safe_load(backends((given,)))["backends"]
    assert (entry["model"], entry["address"]) == ("mine", "mine.team.svc:29500")


def in_state(manifest: Manifest, **statuses: str) -> Manifest:
    conditions = [{"type": name, "status": status} for name, status in statuses.items()]
    return {**stored(manifest), "status": {"conditions": conditions}}


@pytest.mark.parametrize(
    "workspace",
    [
        in_state(inference_workspace(), ResourceReady="True", InferenceReady="False"),
        in_state(
            tuning_workspace(),
            ResourceReady="True",
            TuningSucceeded="True",
            InferenceReady="False",
        ),
    ],
    ids=["a model", "a tuned model"],
)
def test_a_model_that_restarts_stays_listed(workspace: Manifest) -> None:
    assert len(listed(workspace)) == 1


@pytest.mark.parametrize(
    "other",
    [
        stored(inference_workspace()),
        in_state(inference_workspace(), ResourceReady="False", InferenceReady="False"),
        in_state(tuning_workspace(), ResourceReady="True", InferenceReady="False"),
        in_state(
            tuning_workspace(),
            ResourceReady="True",
            TuningSucceeded="False",
            InferenceReady="False",
        ),
        answering(inference_workspace(), deletionTimestamp="x"),
        answering(inference_workspace(inference={"template": {}})),
    ],
    ids=[
        "not ready",
        "without nodes",
        "being trained",
        "failed training",
        "being deleted",
        "without a preset",
    ],
)
def test_models_that_do_not_answer_are_not_listed(other: Manifest) -> None:
    assert listed(other) == []


@pytest.mark.looptime
async def test_config_map_is_written_only_when_it_changes() -> None:
    cluster, store = FakeCluster(), Store()
    door = ModelRegistry(cluster, store, settings(backends_config_map="backends"))
    task = asyncio.create_task(door.run())
    await asyncio.sleep(2)
    cluster.fail_next("apply", errors.Unavailable("later"))
    store.upsert(kinds.WORKSPACE, answering(inference_workspace()))
    await asyncio.sleep(20)
    store.upsert(kinds.WORKSPACE, answering(inference_workspace(), resourceVersion="2"))
    await asyncio.sleep(20)
    task.cancel()
    assert [call.verb for call in cluster.calls] == ["apply", "apply", "apply"]
    kept = cluster.peek(kinds.CONFIG_MAP, "backends", RELEASE)
    assert kept is not None and "ws.team.svc:29500" in kept["data"]["backends.yaml"]


async def test_nothing_is_written_without_a_config_map_name() -> None:
    cluster = FakeCluster()
    await ModelRegistry(cluster, Store(), settings()).run()
    assert cluster.calls == []
