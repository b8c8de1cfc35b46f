"""The container of vLLM beside the model-server."""

import os
import subprocess
from pathlib import Path

import pytest

from kaito_presets.preset import Runtime
from tests.workspace_controller.given import settings
from tests.workspace_controller.manifests.pod_builders import (
    PLACING,
    PODS,
    env_of,
    model_pod,
    mounts_of,
)
from workspace_controller.manifests.engine import GROUP_PORT
from workspace_controller.manifests.placement import Placement
from workspace_controller.manifests.pods import (
    ADMINISTRATION_PORT,
    GRPC_PORT,
    HTTP_PORT,
    METRICS_PORT,
)
from workspace_controller.settings import PodSettings
from workspace_controller.vllm.command import PORT

ARGUMENTS = ("/mnt/model", "--port=8000", '--hf-overrides={"a b": 1}')


def test_the_engine_is_a_sidecar_so_that_it_outlives_the_containers_that_call_it() -> None:
    (engine,) = PODS["vllm"]["initContainers"]
    assert engine["name"] == "engine"
    assert engine["restartPolicy"] == "Always"
    assert engine["image"] == "docker.io/vllm/vllm-openai:v0.33.0"
    assert engine["command"] == ["vllm", "serve"]
    assert engine["args"] == ["/mnt/model", "--port=8000"]
    # It has no server that a probe could reach, and no port that anybody could.
    assert not {"ports", "startupProbe", "livenessProbe", "lifecycle"} & set(engine)


def test_the_model_server_finds_the_engine_and_has_no_gpu() -> None:
    (engine,), server = PODS["vllm"]["initContainers"], PODS["vllm"]["containers"][0]
    env = env_of(server)
    assert env["KAITO_ENGINE"] == "vllm"
    assert env["KAITO_ENGINE_URL"] == "http://127.0.0.1:8000"
    assert "nvidia.com/gpu" not in server["resources"].get("limits", {})
    assert engine["resources"]["limits"] == {"nvidia.com/gpu": "1"}
    for path in ("/mnt/model", "/mnt/adapters/style"):
        assert mounts_of(engine)[path] == mounts_of(server)[path]
    assert "/dev/shm" in mounts_of(engine) and "/dev/shm" not in mounts_of(server)


@pytest.mark.parametrize(
    ("slim", "engine", "expected"),
    [
        ("r/slim:1", Runtime.VLLM, "r/slim:1"),
        ("r/slim:1", Runtime.TRANSFORMERS, "whole"),
        ("", Runtime.VLLM, "whole"),
    ],
    ids=["vLLM has torch", "the model-server needs it", "there is no slim image"],
)
def test_torch_is_not_pulled_twice(slim: str, engine: Runtime, expected: str) -> None:
    given = settings(model_server_slim_image=slim)
    pod = model_pod(engine=engine, settings=given)
    whole = given.model_server.image
    assert pod["containers"][0]["image"] == (whole if expected == "whole" else expected)


def test_adapters_reach_the_engine_at_their_strength_as_copies_of_the_model_server() -> None:
    (engine,), server = PODS["vllm"]["initContainers"], PODS["vllm"]["containers"][0]
    folder = env_of(server)["KAITO_ENGINE_ADAPTERS_DIR"]
    mount = mounts_of(server)[folder]
    assert mounts_of(engine)[folder] == mount
    assert not mount.get("readOnly")
    assert {"name": mount["name"], "emptyDir": {}} in PODS["vllm"]["volumes"]
    for spec in (PODS["inference"], model_pod(engine=Runtime.VLLM, vllm_arguments=ARGUMENTS)):
        assert "KAITO_ENGINE_ADAPTERS_DIR" not in env_of(spec["containers"][0])


def test_the_engine_asks_nobody_outside_and_takes_adapters_while_it_runs() -> None:
    (engine,) = PODS["vllm"]["initContainers"]
    assert (
        env_of(engine).items()
        >= {
            "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
            "HF_HUB_OFFLINE": "1",
            "VLLM_NO_USAGE_STATS": "1",
            "DO_NOT_TRACK": "1",
        }.items()
    )


def test_the_release_sets_image_environment_and_resources_of_the_engine() -> None:
    pod = PodSettings(
        image="mirror/vllm@sha256:1",
        env={"HTTPS_PROXY": "http://proxy"},
        resources={"requests": {"memory": "8Gi"}},
    )
    spec = model_pod(engine=Runtime.VLLM, vllm_arguments=ARGUMENTS, settings=settings(vllm=pod))
    (engine,) = spec["initContainers"]
    assert engine["image"] == "mirror/vllm@sha256:1"
    assert env_of(engine)["HTTPS_PROXY"] == "http://proxy"
    assert engine["resources"]["requests"] == {"memory": "8Gi", "nvidia.com/gpu": "1"}


@pytest.mark.parametrize(("gpus", "size"), [("1", "2Gi"), ("8", "16Gi")])
def test_shared_memory_grows_with_the_gpus(gpus: str, size: str) -> None:
    placing = Placement(
        owner=PLACING.owner, node_labels={}, instance_type="", gpus={"nvidia.com/gpu": gpus}
    )
    spec = model_pod(engine=Runtime.VLLM, vllm_arguments=ARGUMENTS, placement=placing)
    (shared,) = [v for v in spec["volumes"] if v["name"] == "dshm"]
    assert shared["emptyDir"] == {"medium": "Memory", "sizeLimit": size}


def test_nothing_else_in_the_pod_listens_where_the_engine_does() -> None:
    others = {GRPC_PORT, HTTP_PORT, METRICS_PORT, ADMINISTRATION_PORT}
    # The last one is where vLLM's copies of a model on one node find each other.
    assert not others & {PORT, GROUP_PORT, 29550}


@pytest.mark.parametrize(("rank", "headless"), [("0", False), ("2", True)])
def test_of_several_nodes_only_the_first_has_a_server(
    rank: str, headless: bool, tmp_path: Path
) -> None:
    fake = tmp_path / "vllm"
    fake.write_text('#!/bin/sh\nfor each in "$@"; do echo "$each"; done\n')
    fake.chmod(0o755)
    spec = model_pod(nodes=3, engine=Runtime.VLLM, vllm_arguments=ARGUMENTS)
    (engine,) = spec["initContainers"]
    env = {**env_of(engine), "KAITO_NODE_RANK": rank, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    run = subprocess.run(
        [*engine["command"], *engine["args"]], env=env, capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines() == [
        "serve",
        *ARGUMENTS,
        "--nnodes=3",
        f"--node-rank={rank}",
        "--master-addr=ws-0.ws-headless.team.svc",
        "--master-port=29600",
        "--headless" if headless else "--api-server-count=1",
    ]
