"""Reads the availability from Azure Resource Manager: three requests through the pipeline of the
SDK's client for container services.

azure-mgmt-compute was measured for this (39.0.0, a response of 1200 SKUs as a region returns
them, 2.5 MB): 12 MB more at import, 1.3 s of CPU for its models, during which nothing else runs,
and a peak of 121 MB, against 95 MB and 0.03 s for plain JSON. It has no call for the subscription
either.
"""

import asyncio
from datetime import datetime, timedelta

from azure.core.exceptions import AzureError, HttpResponseError
from azure.mgmt.containerservice.aio import ContainerServiceClient

from gpu_provisioner.cloud.availability import Availability, SkuAvailability
from gpu_provisioner.cloud.azure import sku_parsing
from gpu_provisioner.cloud.azure.errors import translate
from gpu_provisioner.cloud.azure.pages import pages, read
from gpu_provisioner.cloud.errors import CloudUnavailable
from gpu_provisioner.settings import Azure
from kaito_api.reasons import Reason
from kaito_kube.clock import Clock

# The SKUs are a large response, and they change when somebody requests access, not continuously.
_SKUS_TTL = timedelta(minutes=3)
# API versions.
_SUBSCRIPTION, _USAGES, _SKUS = "2022-12-01", "2024-07-01", "2021-07-01"


class AvailabilityProvider:
    """Caches the SKUs; usages and the subscription's state are read every time."""

    def __init__(self, client: ContainerServiceClient, azure: Azure, clock: Clock) -> None:
        self._client = client
        self._subscription = f"/subscriptions/{azure.subscription_id}"
        self._region = azure.location
        self._clock = clock
        self._skus: dict[str, SkuAvailability] = {}
        self._skus_expire_at: datetime | None = None

    async def read(self) -> Availability:
        """Return the complete availability.

        Raises:
            CloudError: one of the three requests failed.
        """
        now = self._clock.now()
        try:
            subscription, usages, skus = await asyncio.gather(
                read(self._client, self._subscription, {"api-version": _SUBSCRIPTION}),
                self._read_usages(),
                self._read_skus(now),
            )
        except AzureError as error:
            # translate() takes a 404 for a missing agent pool, and no pool is involved here.
            if isinstance(error, HttpResponseError) and error.status_code == 404:
                raise CloudUnavailable(Reason.CLOUD_UNAVAILABLE, error.message) from error
            raise translate(error, "") from error
        return Availability(
            skus=skus,
            quotas=sku_parsing.quotas(usages),
            requested_at=now,
            problem=sku_parsing.subscription_problem(subscription),
        )

    def expire_skus(self) -> None:
        """Make the next read list the SKUs again, however recent they are."""
        self._skus_expire_at = None

    async def _read_usages(self) -> list[sku_parsing.Json]:
        path = f"{self._subscription}/providers/Microsoft.Compute/locations/{self._region}/usages"
        return [usage async for usage in pages(self._client, path, {"api-version": _USAGES})]

    async def _read_skus(self, now: datetime) -> dict[str, SkuAvailability]:
        if self._skus_expire_at is None or now >= self._skus_expire_at:
            path = f"{self._subscription}/providers/Microsoft.Compute/skus"
            query = {"api-version": _SKUS, "$filter": f"location eq '{self._region}'"}
            items = [item async for item in pages(self._client, path, query)]
            skus = sku_parsing.sku_availabilities(items, self._region)
            self._skus = {sku.instance_type.lower(): sku for sku in skus}
            self._skus_expire_at = now + _SKUS_TTL
        return self._skus
