"""The same hub twice: the fake, and the client of the real one against a stand-in on loopback."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from kaito_presets.hub.model_files import ModelFiles
from kaito_presets.hub.repository import Repository, RepositoryFile
from tests.hub_stand_in import HubStandIn, StoredModel, hub_stand_in
from workspace_controller.hub.client import HubAway, HubClient
from workspace_controller.hub.fake import FakeHub
from workspace_controller.hub.http_client import HttpHubClient

CONFIG = json.dumps({"architectures": ["LlamaForCausalLM"], "num_hidden_layers": 2})
WEIGHTS = b"w" * 4096
MODELS = {
    "org/open": StoredModel({"config.json": CONFIG.encode(), "model.safetensors": WEIGHTS}),
    "org/gated": StoredModel({"config.json": CONFIG.encode()}, gated=True),
    "org/private": StoredModel({"config.json": CONFIG.encode()}, private=True),
}
TOKENS = {"opens": frozenset({"org/gated", "org/private"}), "opens-nothing": frozenset[str]()}


@contextmanager
def fake_hub(*, away: bool = False) -> Iterator[HubClient]:
    hub = FakeHub(
        tokens=TOKENS,
        private=frozenset({"org/private"}),
        error=HubAway("away") if away else None,
    )
    for name, model in MODELS.items():
        hub.add(_files(name, model))
    yield hub


@contextmanager
def http_hub(*, away: bool = False) -> Iterator[HubClient]:
    stand_in = HubStandIn(models=dict(MODELS), tokens=TOKENS, status=503 if away else None)
    with hub_stand_in(stand_in) as hub:
        yield HttpHubClient(hub.address)


def _files(name: str, model: StoredModel) -> ModelFiles:
    files = tuple(
        RepositoryFile(
            path,
            len(content),
            model.sha256(path) if path.endswith(".safetensors") else None,
        )
        for path, content in model.files.items()
    )
    repository = Repository(
        name=name, requested="main", commit=model.commit, gated=model.gated, files=files
    )
    texts = {p: c.decode() for p, c in model.files.items() if p.endswith(".json")}
    return ModelFiles(repository=repository, texts=texts)
