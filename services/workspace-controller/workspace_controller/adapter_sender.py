"""Gives pods the adapters to pull, with what of the Secrets opens the registries."""

import asyncio
import logging
from dataclasses import dataclass

from kaito.inference.v1 import inference_pb2
from kaito_kube.cluster import Cluster
from kaito_kube.errors import Forbidden, NotFound
from kaito_kube.kinds import SECRET
from workspace_controller.adapter_client import AdapterClient
from workspace_controller.manifests.administration import token
from workspace_controller.manifests.metadata import Owner
from workspace_controller.plan.plan import PullAdapters
from workspace_controller.registry_access import PullSecret, wanted_adapter

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
        names = sorted({name for each in action.adapters for name in each.pull_secrets})
        found = await asyncio.gather(*(self._secret(owner.namespace, name) for name in names))
        secrets = dict(zip(names, found, strict=True))
        request = inference_pb2.SetPulledAdaptersRequest(
            adapters=[
                wanted_adapter(each, owner.namespace, [secrets[n] for n in each.pull_secrets])
                for each in action.adapters
            ],
            revision=action.revision,
        )
        key = token(self.administration_key, owner)
        if await self.client.set_pulled(action.address, key, request):
            names = [each.name for each in action.adapters]
            logger.info("gave pod %s its adapters", action.pod, extra={"adapters": names})

    async def _secret(self, namespace: str, name: str) -> PullSecret:
        try:
            secret = await self.cluster.get(SECRET, name, namespace)
        except (NotFound, Forbidden):
            return PullSecret(name, None)
        return PullSecret(name, secret.get("data") or {})
