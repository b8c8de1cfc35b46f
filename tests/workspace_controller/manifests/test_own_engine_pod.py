"""The user's own pod with an engine gets model-server and gateway, and keeps what it has."""

import copy
from typing import Any

import pytest

from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import OWNER, settings
from workspace_controller.manifests.own_engine_pod import OwnEngine, with_own_engine

ENGINE = OwnEngine("text-generation-server", "tgi", 8000)
TGI: dict[str, Any] = {
    "name": "tgi",
    "image": "ghcr.io/huggingface/text-generation-inference:3.3.5",
    "ports": [{"name": "tgi", "containerPort": 8000}],
    "resources": {"limits": {"nvidia.com/gpu": "1"}},
}
TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"app": "mine"}},
    "spec": {
        "containers": [{"name": "logs", "image": "logs"}, TGI],
        "initContainers": [{"name": "fetch", "image": "fetch"}],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    },
}


def made(template: Manifest = TEMPLATE, *, max_model_len: int = 0, **changes: Any) -> Manifest:
    pod = with_own_engine(template, ENGINE, OWNER, settings(**changes), max_model_len)
    spec: Manifest = pod["spec"]
    return spec


def container(spec: Manifest, name: str) -> Manifest:
    (found,) = [each for each in spec["containers"] if each["name"] == name]
    return dict(found)


def env(spec: Manifest, name: str) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container(spec, name)["env"]}


def test_the_engine_is_a_sidecar_and_the_rest_stays() -> None:
    before = copy.deepcopy(TEMPLATE)
    spec = made()
    assert spec["initContainers"] == [
        {"name": "fetch", "image": "fetch"},
        {**TGI, "restartPolicy": "Always"},
    ]
    names = [each["name"] for each in spec["containers"]]
    assert names == ["logs", "model-server", "inference-gateway"]
    assert spec["volumes"] == [
        {"name": "tmp", "emptyDir": {}},
        {"name": "kaito-tmp", "emptyDir": {}},
    ]
    assert before == TEMPLATE


def test_an_engine_that_is_a_sidecar_already_stays_where_it_is() -> None:
    sidecar = {**TGI, "restartPolicy": "Always"}
    spec = made({"spec": {"initContainers": [sidecar, {"name": "later"}]}})
    assert spec["initContainers"] == [sidecar, {"name": "later"}]
    assert len(spec["containers"]) == 2


def test_the_model_server_finds_the_engine() -> None:
    variables = env(made(), "model-server")
    assert variables["KAITO_ENGINE"] == "text-generation-server"
    assert variables["KAITO_ENGINE_URL"] == "http://127.0.0.1:8000"
    assert variables["KAITO_MODEL_NAME"] == "ws"
    assert "KAITO_MAX_MODEL_LEN" not in variables
    assert env(made(max_model_len=4096), "model-server")["KAITO_MAX_MODEL_LEN"] == "4096"


def test_the_model_server_has_no_torch_and_no_gpu() -> None:
    server = container(made(model_server_slim_image="registry.local/slim:1"), "model-server")
    assert server["image"] == "registry.local/slim:1"
    assert "nvidia.com/gpu" not in str(server["resources"])


@pytest.mark.parametrize("name", ["model-server", "inference-gateway"])
def test_the_added_containers_meet_the_restricted_standard_by_themselves(name: str) -> None:
    found = container(made(), name)
    security = found["securityContext"]
    assert (security["runAsNonRoot"], security["runAsUser"]) == (True, 65532)
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert {mount["name"] for mount in found["volumeMounts"]} == {"kaito-tmp"}


@pytest.mark.parametrize(("own", "expected"), [(None, 630), (5, 630), ("odd", 630), (60, 60)])
def test_the_users_grace_period_counts_if_it_leaves_time_for_answers(
    own: object, expected: int
) -> None:
    template = copy.deepcopy(TEMPLATE)
    if own is not None:
        template["spec"]["terminationGracePeriodSeconds"] = own
    spec = made(template)
    assert spec["terminationGracePeriodSeconds"] == expected
    assert env(spec, "model-server")["KAITO_DRAIN_SECONDS"] == str(expected - 10)


def test_the_model_server_sees_the_engines_model_and_adapters() -> None:
    mounts: list[dict[str, Any]] = [
        {"name": "model", "mountPath": "/mnt/model"},
        {"name": "poet", "mountPath": "/mnt/adapters/poet", "subPath": "data"},
        {"name": "cache", "mountPath": "/data"},
        {"name": "other", "mountPath": "/mnt/model-of-another"},
    ]
    engine = {**TGI, "volumeMounts": mounts}
    server = container(made({"spec": {"containers": [engine]}}), "model-server")
    assert server["volumeMounts"][1:] == [{**each, "readOnly": True} for each in mounts[:2]]
