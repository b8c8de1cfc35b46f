"""The list of models that answer or load, in a ConfigMap for the cluster-wide gateway."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

import yaml

from kaito_api import condition_types, labels
from kaito_api.conditions import is_true
from kaito_kube.cluster import Cluster
from kaito_kube.errors import ClusterError
from kaito_kube.kinds import (
    CONFIG_MAP,
    WORKSPACE,
    Kind,
    Manifest,
    annotations_of,
    is_being_deleted,
    labels_of,
)
from kaito_kube.store import Store
from kaito_process.retry import retry_until_done
from workspace_controller.manifests.pods import GRPC_PORT
from workspace_controller.plan.serving.engines.own_engine import find_own_engine
from workspace_controller.settings import Settings, release_metadata

logger = logging.getLogger(__name__)
KEY = "backends.yaml"
# Changes often come together, and the kubelet takes far longer to bring them to the gateway.
_DEBOUNCE_SECONDS = 0.5


def backends(workspaces: Iterable[Manifest]) -> str:
    """The text of backends.yaml, always in the same order."""
    entries = [_entry(w) for w in workspaces if _serves(w) and not is_being_deleted(w)]
    served = [entry for entry in entries if entry["model"]]
    served.sort(key=lambda entry: (entry["namespace"], entry["workspace"], entry["address"]))
    return yaml.safe_dump({"backends": served}, sort_keys=False)


@dataclass
class ModelRegistry:
    """One loop for the whole cluster, run by the leader."""

    cluster: Cluster
    store: Store
    settings: Settings
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.store.add_listener(self._listen)

    async def run(self) -> None:
        """Keeps the ConfigMap up to date until it is canceled; returns where none is configured.

        Every replica that becomes the leader writes it once, whatever its predecessor wrote.
        """
        if not self._name:
            return
        written: str | None = None
        self._changed.set()
        while True:
            await self._changed.wait()
            await asyncio.sleep(_DEBOUNCE_SECONDS)
            self._changed.clear()
            write, what = partial(self._write, written), f"write ConfigMap {self._name}"
            written = await retry_until_done(write, ClusterError, what, logger)

    async def _write(self, written: str | None) -> str:
        """Writes the current list unless it is `written` already; returns it.

        Raises:
            ClusterError: the ConfigMap could not be written.
        """
        text = backends(self.store.all(WORKSPACE))
        if text != written:
            await self.cluster.apply(CONFIG_MAP, self._config_map(text))
        return text

    @property
    def _name(self) -> str:
        return self.settings.backends_config_map

    def _config_map(self, text: str) -> Manifest:
        return {
            "metadata": release_metadata(self.settings, self._name),
            "data": {KEY: text},
        }

    def _listen(self, kind: Kind, _: Manifest) -> None:
        if kind is WORKSPACE:
            self._changed.set()


def _entry(workspace: Manifest) -> dict[str, str]:
    """The replicas of an InferenceSet go by its name: requests for it are spread over them."""
    metadata = workspace["metadata"]
    name, namespace = metadata["name"], metadata["namespace"]
    return {
        "model": _model(workspace),
        "namespace": namespace,
        "workspace": labels_of(workspace).get(labels.CREATED_BY_SET, name),
        "address": f"{name}.{namespace}.svc:{GRPC_PORT}",
    }


def _model(workspace: Manifest) -> str:
    """The name in requests: that of the preset, or of a Workspace with an engine of its own.

    Empty for a Workspace with other pods, which the gateway cannot route by model.
    """
    part = workspace.get("tuning") or workspace.get("inference") or {}
    if preset := str((part.get("preset") or {}).get("name") or ""):
        return preset
    engine = find_own_engine(annotations_of(workspace), part.get("template"))
    metadata = workspace["metadata"]
    name = labels_of(workspace).get(labels.CREATED_BY_SET, metadata["name"])
    return str(name) if engine is not None else ""


def _serves(workspace: Manifest) -> bool:
    """Whether the model answers, or is loading on its nodes, by the Workspace's status.

    A model that restarts or is rolled out stays listed: the gateway holds its requests, or says
    that it is not ready, where it would otherwise say that there is no such model.
    """
    if is_true(workspace, condition_types.INFERENCE_READY):
        return True
    is_trained = "tuning" not in workspace or is_true(workspace, condition_types.TUNING_SUCCEEDED)
    return is_trained and is_true(workspace, condition_types.RESOURCE_READY)
