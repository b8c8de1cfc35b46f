"""Adapters of a Workspace that change while its model answers: the controller with a real
model-server and a registry, over the fake API server."""

import asyncio
import base64
import hashlib
import json
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc
from kaito_grpc.channels import open_channel
from kaito_kube import kinds
from kaito_kube.kinds import Key, Manifest
from kaito_registry.fake import FakeRegistry
from model_server.adapters.registry import AdapterSettings
from model_server.calls.admission import AdmissionControl
from model_server.contract.server import AdministrationConfig, Server, ServerConfig
from model_server.contract.serving_state import ServingState
from model_server.engine import SchedulerStats
from model_server.fake import FakeEngine
from model_server.metrics import Metrics
from model_server.pulled_adapters.folders import AdapterFolders
from model_server.pulled_adapters.puller import RegistryPuller
from model_server.pulled_adapters.reconciler import PulledAdapters
from tests.kaito_registry import real
from tests.kaito_registry.images import layer, publish
from tests.workspace_controller.given import (
    NAMESPACE,
    OWNER,
    inference,
    inference_workspace,
    settings,
)
from tests.workspace_controller.harness import Environment, Replica
from workspace_controller.manifests.administration import token
from workspace_controller.pod_clients.adapter_client import GrpcAdapterClient

KEY = "the controller's key"


@pytest.fixture(params=["fake", "real"] if shutil.which(real.PROGRAM) else ["fake"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The host:port of a registry that demands a login."""
    if request.param == "fake":
        with FakeRegistry(auth="basic").running() as running:
            yield running.host
    else:
        (folder := tmp_path / "registry").mkdir()
        with real.running(folder, basic=True) as address:
            yield address


@asynccontextmanager
async def model_server(folder: Path) -> AsyncIterator[Server]:
    """A model-server on free ports, as the pod of the Workspace would run it."""
    engine, stop = FakeEngine(), threading.Event()

    def stats() -> SchedulerStats:
        return engine.scheduler_stats()

    state = ServingState(name="phi-3", admission=AdmissionControl(64), metrics=Metrics(stats))
    digest = hashlib.sha256(token(KEY, OWNER).encode()).hexdigest()
    config = ServerConfig(
        port=0,
        administration=AdministrationConfig(port=0, token_sha256=digest),
        create_engine=lambda: engine,
        adapters=AdapterSettings(
            root=folder / "none", base_model="phi-3", default_adapter=None, max_adapters=16
        ),
        strengths={},
        drain_seconds=1,
        create_pulled=lambda: PulledAdapters(
            AdapterFolders(folder / "pulled", RegistryPuller(stop)), stop
        ),
        first_list_seconds=600,
    )
    server, ended = Server(state, config), asyncio.Event()
    running = asyncio.create_task(server.run(ended))
    try:
        yield server
    finally:
        ended.set()
        await running


def push(host: str, tag: str, base: str = "phi-3") -> str:
    config = json.dumps({"base_model_name_or_path": base, "tag": tag}).encode()
    files = {"data/adapter_config.json": config, "data/adapter_model.safetensors": tag.encode()}
    digest = publish(host, "team/a", tag, [layer(files)], auth=("user", "secret"))
    return f"{host}/team/a@{digest}"


class Serving:
    """A Workspace whose pod is the model-server."""

    def __init__(self, host: str, server: Server) -> None:
        self.environment = Environment(
            settings(administration_key=KEY, insecure_registries=(host,))
        )
        self.environment.world.pod_address = "127.0.0.1"
        client = GrpcAdapterClient(server.port, server.administration_port)
        replica: Replica = self.environment.replica
        replica.adapters = client  # type: ignore[assignment]
        replica.__post_init__()
        auths = {host: {"username": "user", "password": "secret"}}
        content = base64.b64encode(json.dumps({"auths": auths}).encode()).decode()
        self.environment.cluster.seed(
            kinds.SECRET,
            {
                "metadata": {"name": "pull", "namespace": NAMESPACE},
                "data": {".dockerconfigjson": content},
            },
        )
        self.environment.apply(inference_workspace())

    def change(self, **images: str) -> None:
        """Set inference.adapters."""
        adapters = [
            {"source": {"name": name, "image": image, "imagePullSecrets": ["pull"]}}
            for name, image in images.items()
        ]
        generation = self.environment.workspace()["metadata"]["generation"] + 1
        patch = {
            "inference": inference(adapters=adapters),
            "metadata": {"generation": generation},
        }
        self.environment.cluster.change(kinds.WORKSPACE, Key(NAMESPACE, "ws"), patch)

    def condition(self) -> str:
        status: Manifest = self.environment.workspace().get("status") or {}
        for condition in status.get("conditions") or ():
            if condition["type"] == "InferenceReady":
                return f"{condition['status']}/{condition['reason']}: {condition['message']}"
        return ""

    async def until(self, start: str, *, end: str = "") -> None:
        """Pass after pass until the condition begins so, and ends so."""
        try:
            async with asyncio.timeout(60):
                while not self._is(start, end):
                    await self.environment.replica.round()
                    self.environment.world.step()
                    self.environment.clock.advance(5)
        except TimeoutError:
            raise AssertionError(f"{self.condition()!r} does not begin with {start!r}") from None

    def _is(self, start: str, end: str) -> bool:
        condition = self.condition()
        return condition.startswith(start) and condition.endswith(end)

    def pod_uids(self) -> list[str]:
        return [pod["metadata"]["uid"] for pod in self.environment.cluster.objects(kinds.POD)]


async def ask(server: Server, model: str) -> str:
    async with open_channel(f"localhost:{server.port}") as channel:
        stub = inference_pb2_grpc.InferenceServiceStub(channel)
        answer: pb.GenerateResponse = await stub.Generate(
            pb.GenerateRequest(model=model, prompt="a")
        )
        return answer.choices[0].text


async def test_adapters_are_added_replaced_and_removed_without_another_pod(
    host: str, tmp_path: Path
) -> None:
    one, two, tone = push(host, "1"), push(host, "2"), push(host, "tone")
    async with model_server(tmp_path) as server:
        serving = Serving(host, server)
        await serving.until("True/InferenceReady: the model answers requests")
        pods, workload = serving.pod_uids(), serving.environment.cluster.objects(kinds.DEPLOYMENT)
        serving.change(style=one)
        await serving.until("True/InferenceReady: the model answers requests, also with style")
        first = await ask(server, "style")
        serving.change(style=two, tone=tone)
        await serving.until(
            "True/InferenceReady: the model answers requests, also with style and tone"
        )
        assert await ask(server, "style") != first
        status = serving.environment.workspace()["status"]["adapters"]
        assert status == [
            {"name": "style", "state": "Serving", "image": two},
            {"name": "tone", "state": "Serving", "image": tone},
        ]
        serving.change(tone=tone)
        await serving.until("True/InferenceReady: the model answers requests, also with tone")
        serving.change()
        await serving.until("True/InferenceReady", end="the model answers requests")
        assert "adapters" not in serving.environment.workspace()["status"]
        assert serving.pod_uids() == pods
        assert serving.environment.cluster.objects(kinds.DEPLOYMENT) == workload


async def test_bad_adapters_are_named_beside_the_one_that_serves(host: str, tmp_path: Path) -> None:
    good, foreign = push(host, "1"), push(host, "2", base="acme/falcon")
    async with model_server(tmp_path) as server:
        serving = Serving(host, server)
        serving.change(good=good, foreign=foreign, gone=f"{host}/team/a:gone")
        await serving.until(
            "True/AdapterNotLoaded: the model answers requests, also with good, but without 2 "
            "adapters: "
        )
        message = serving.condition()
        assert "foreign: adapter 'foreign': base_model_name_or_path = 'acme/falcon'" in message
        assert "team/a:gone does not exist: check the name and the tag" in message
        assert "secret" not in message
        warned = [
            e
            for e in serving.environment.cluster.objects(kinds.EVENT)
            if e["reason"] == "AdapterNotLoaded"
        ]
        assert [each["type"] for each in warned] == ["Warning"]


async def test_corrected_secret_is_used_without_a_change_of_the_workspace(
    host: str, tmp_path: Path
) -> None:
    image = push(host, "1")
    async with model_server(tmp_path) as server:
        serving = Serving(host, server)
        key = Key(NAMESPACE, "pull")
        found = serving.environment.cluster.peek(kinds.SECRET, "pull", NAMESPACE)
        assert found is not None
        right = found["data"][".dockerconfigjson"]
        empty = base64.b64encode(b"{}").decode()
        serving.environment.cluster.change(
            kinds.SECRET, key, {"data": {".dockerconfigjson": empty}}
        )
        serving.change(style=image)
        await serving.until("True/AdapterNotLoaded")
        assert "the Secret team/pull holds no credentials for" in serving.condition()
        serving.environment.cluster.change(
            kinds.SECRET, key, {"data": {".dockerconfigjson": right}}
        )
        await serving.until("True/InferenceReady: the model answers requests, also with style")


async def test_pod_that_starts_again_is_given_its_adapters(host: str, tmp_path: Path) -> None:
    image = push(host, "1")
    async with model_server(tmp_path / "one") as server:
        serving = Serving(host, server)
        serving.change(style=image)
        await serving.until("True/InferenceReady: the model answers requests, also with style")
    # Another pod, with nothing on its disk; the controller is a new process, too.
    async with model_server(tmp_path / "two") as server:
        client = GrpcAdapterClient(server.port, server.administration_port)
        serving.environment.replica = serving.environment.new_replica()
        serving.environment.replica.adapters = client  # type: ignore[assignment]
        serving.environment.replica.__post_init__()
        await serving.until("True/AdapterLoading")
        await serving.until("True/InferenceReady: the model answers requests, also with style")
        assert await ask(server, "style")
