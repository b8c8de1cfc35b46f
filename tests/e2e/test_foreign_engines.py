"""Engines of other makers in a user's own pods: /chat, gRPC and OpenAI reach them all the same."""

from collections.abc import Iterator

import pytest

from benchmarks.serving.peer import serve_packages
from tests.e2e.cpu_node import cpu_node, on_cpu_node
from tests.e2e.file_images import mounted, mounted_model, push_files, push_modules
from tests.e2e.served_model import ServedModel
from tools.demo.cluster import REGISTRY, KaitoCluster, local_images
from tools.demo.kubectl import Manifest
from tools.demo.walkthrough import QUESTION

pytestmark = pytest.mark.long

NAME = "foreign-engine"
PORT = 8000
ENGINE_MODEL = "kaito.sh/engine-model"
LENGTH = {"inference_config.yaml": "vllm: {max-model-len: 2048}"}


@pytest.fixture
def model(clean: KaitoCluster) -> Iterator[ServedModel]:
    """The Workspace of the test, which is not there yet."""
    kubectl = clean.kubectl
    with cpu_node(kubectl):
        yield ServedModel(kubectl, NAME, clean.inputs.curl_image)
        kubectl.delete("workspace", NAME)
        kubectl.delete("configmap", NAME)


def engine(port_name: str, image: str, command: list[str], *files: tuple[Manifest, Manifest],
           **env: str) -> Manifest:  # fmt: skip
    """A pod with one container, as its maker's documentation has it."""
    container = {
        "name": "engine",
        "image": image,
        "command": command,
        "env": [{"name": name, "value": value} for name, value in env.items()],
        "ports": [{"name": port_name, "containerPort": PORT}],
        "volumeMounts": [mount for _, mount in files],
    }
    return {
        "containers": [container],
        "volumes": [volume for volume, _ in files],
        # `transformers serve` says that it has ended, and does not.
        "terminationGracePeriodSeconds": 30,
    }


def test_transformers_serve_is_reached_by_chat_grpc_and_openai(model: ServedModel) -> None:
    packages = push_files("kaito-test/transformers-serve", serve_packages(), "packages")
    command = [
        *("python", "-m", "transformers.cli.transformers", "serve", "/mnt/model"),
        *("--continuous-batching", "--cb-num-blocks", "64", "--cb-block-size", "64"),
        *("--host", "127.0.0.1", "--port", str(PORT)),
    ]
    pod = engine(
        "openai",
        local_images()["model-server"],
        command,
        mounted_model(),
        mounted("packages", f"{REGISTRY}/{packages}", "/packages", "packages"),
        PYTHONPATH="/packages",
        HF_HUB_OFFLINE="1",
        OMP_NUM_THREADS="1",
    )
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}, "data": LENGTH}
    inference = {"template": {"spec": pod}, "config": NAME}
    model.kubectl.apply(config, on_cpu_node(NAME, inference))
    # It lists the models of its cache, and has none.
    model.until("False", "/v1/models lists no model", ENGINE_MODEL, seconds=180)
    model.kubectl.run("annotate", "workspace", NAME, f"{ENGINE_MODEL}=/mnt/model")
    model.until("True InferenceReady", seconds=300)
    assert model.status()["engine"] == "openai"
    answers = model.answers(QUESTION)
    print(answers)
    assert set(answers.values()) == {"The capital of Japan is Tokyo."}
    assert NAME in {each["id"] for each in model.get("/v1/models")["data"]}


def test_text_generation_server_is_reached_by_chat_grpc_and_openai(model: ServedModel) -> None:
    modules = push_modules(
        "kaito-test/tgi-double",
        *("tests/__init__.py", "tests/model_server/__init__.py", "tests/e2e/__init__.py"),
        *("tests/e2e/tgi_server.py", "tests/model_server/text_generation_server"),
        "tests/model_server/openai_server",
        packages=("jsonschema",),
    )
    pod = engine(
        "tgi",
        local_images()["model-server"],
        ["python", "-m", "tests.e2e.tgi_server", str(PORT)],
        mounted("modules", modules, "/modules", "modules"),
        PYTHONPATH="/modules:/app/lib",
    )
    model.kubectl.apply(on_cpu_node(NAME, {"template": {"spec": pod}}))
    model.until("True InferenceReady", seconds=120)
    assert model.status()["engine"] == "text-generation-server"
    answers = model.answers(QUESTION)
    print(answers)
    assert all(answers.values())
    assert model.complete(QUESTION) == model.stream(QUESTION)
    assert model.restarts().keys() and not any(model.restarts().values())
