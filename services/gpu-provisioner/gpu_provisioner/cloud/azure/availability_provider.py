"""The market over Azure Resource Manager: three reads, through the pipeline of the SDK's client for
container services.

azure-mgmt-compute was measured for it (39.0.0, an answer of 1200 SKUs as a region gives, 2.5 MB):
12 MB more at import, 1.3 s of CPU for its models, during which nothing else runs, and a peak of
121 MB against 95 MB and 0.03 s for plain JSON. Nor has it the subscription.
"""

import asyncio
from datetime import datetime, timedelta

from azure.core.exceptions import AzureError, HttpResponseError
from azure.mgmt.containerservice.aio import ContainerServiceClient

from gpu_provisioner.cloud.availability import Market, Offer
from gpu_provisioner.cloud.azure import sku_parsing
from gpu_provisioner.cloud.azure.errors import translate
from gpu_provisioner.cloud.azure.pages import pages, read
from gpu_provisioner.cloud.errors import CloudUnavailable
from gpu_provisioner.settings import Azure
from kaito_api.reasons import Reason
from kaito_kube.clock import Clock

# The listing of SKUs is a large answer, and changes when somebody asks for access, not by itself.
_SKUS_KEPT = timedelta(minutes=3)
_SUBSCRIPTION, _USAGES, _SKUS = "2022-12-01", "2024-07-01", "2021-07-01"


class MarketReader:
    def __init__(self, client: ContainerServiceClient, azure: Azure, clock: Clock) -> None:
        self._client = client
        self._subscription = f"/subscriptions/{azure.subscription_id}"
        self._region = azure.location
        self._clock = clock
        self._offers: dict[str, Offer] = {}
        self._offers_due: datetime | None = None

    async def read(self) -> Market:
        """Whole, or a CloudError."""
        asked = self._clock.now()
        try:
            subscription, usages, offers = await asyncio.gather(
                read(self._client, self._subscription, {"api-version": _SUBSCRIPTION}),
                self._usages(),
                self._offers_of(asked),
            )
        except AzureError as error:
            if isinstance(error, HttpResponseError) and error.status_code == 404:
                raise CloudUnavailable(Reason.CLOUD_UNAVAILABLE, error.message) from error
            raise translate(error, "") from error
        return Market(
            offers=offers,
            quotas=sku_parsing.quotas(usages),
            asked=asked,
            trouble=sku_parsing.trouble(subscription),
        )

    def distrust(self) -> None:
        """The next reading lists the SKUs anew, however old they are."""
        self._offers_due = None

    async def _usages(self) -> list[sku_parsing.Json]:
        path = f"{self._subscription}/providers/Microsoft.Compute/locations/{self._region}/usages"
        return [usage async for usage in pages(self._client, path, {"api-version": _USAGES})]

    async def _offers_of(self, now: datetime) -> dict[str, Offer]:
        if self._offers_due is None or now >= self._offers_due:
            path = f"{self._subscription}/providers/Microsoft.Compute/skus"
            query = {"api-version": _SKUS, "$filter": f"location eq '{self._region}'"}
            skus = [sku async for sku in pages(self._client, path, query)]
            found = sku_parsing.offers(skus, self._region)
            self._offers = {offer.instance_type.lower(): offer for offer in found}
            self._offers_due = now + _SKUS_KEPT
        return self._offers
