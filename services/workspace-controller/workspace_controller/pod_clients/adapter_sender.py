"""Gives pods the adapters to pull, with what of the Secrets opens the registries."""

import asyncio
import logging
from dataclasses import dataclass

from kaito.inference.v1 import inference_pb2
from kaito_kube.cluster import Cluster
from kaito_kube.errors import Forbidden, NotFound
from kaito_kube.kinds import CONFIG_MAP, SECRET
from workspace_controller.manifests.administration import token
from workspace_controller.manifests.metadata import Owner
from workspace_controller.plan.plan import PullAdapters, PulledAdapter
from workspace_controller.pod_clients.adapter_client import AdapterClient
from workspace_controller.pod_clients.registry_access import (
    AdapterObjects,
    PullSecret,
    wanted_adapter,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AdapterSender:
    """Reads each Secret when it is needed, and keeps none."""

    cluster: Cluster
    client: AdapterClient
    administration_key: str

    async def send(self, owner: Owner, action: PullAdapters) -> None:
        """Give a pod its list. One that does not answer is not an error: the next pass sees it.

        Raises:
            ClusterError: a Secret could not be read.
        """
        wanted = [await self._wanted(owner.namespace, each) for each in action.adapters]
        request = inference_pb2.SetPulledAdaptersRequest(adapters=wanted, revision=action.revision)
        key = token(self.administration_key, owner)
        if await self.client.set_pulled(action.address, key, request):
            names = [each.name for each in action.adapters]
            logger.info("gave pod %s its adapters", action.pod, extra={"adapters": names})

    async def _wanted(self, namespace: str, adapter: PulledAdapter) -> inference_pb2.WantedAdapter:
        names = list(adapter.pull_secrets)
        if adapter.verification_secret:
            names.append(adapter.verification_secret)
        found = await asyncio.gather(*(self._secret(namespace, name) for name in names))
        objects = AdapterObjects(
            pull_secrets=found[: len(adapter.pull_secrets)],
            verification=found[-1] if adapter.verification_secret else None,
            certificates=await self._certificates(namespace, adapter.ca_config_map),
        )
        return wanted_adapter(adapter, namespace, objects)

    async def _certificates(self, namespace: str, name: str) -> str:
        """Those of a ConfigMap; what is said where there are none is no certificate either."""
        if not name:
            return ""
        try:
            config_map = await self.cluster.get(CONFIG_MAP, name, namespace)
        except (NotFound, Forbidden):
            return ""
        return str((config_map.get("data") or {}).get("ca.crt") or "")

    async def _secret(self, namespace: str, name: str) -> PullSecret:
        try:
            secret = await self.cluster.get(SECRET, name, namespace)
        except (NotFound, Forbidden):
            return PullSecret(name, None)
        return PullSecret(name, secret.get("data") or {})
