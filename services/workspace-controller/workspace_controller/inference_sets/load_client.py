"""Asks a serving pod how many requests it has."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from prometheus_client.parser import text_string_to_metric_families

from workspace_controller.manifests.pods import METRICS_PORT
from workspace_controller.pod_clients import pod_pages

# Under the names that pickers of the Gateway API Inference Extension read.
_LOAD = frozenset({"vllm:num_requests_running", "vllm:num_requests_waiting"})
_MAX_BODY_BYTES = 2**20


class LoadClient(Protocol):
    """The seam to the metrics of model-servers."""

    async def requests(self, address: str) -> int | None:
        """Running and waiting requests of the pod at that IP address; None if it does not say."""
        ...


@dataclass(frozen=True, slots=True)
class HttpLoadClient:
    """Only called when one of several serving replicas is to be deleted."""

    port: int = METRICS_PORT

    async def requests(self, address: str) -> int | None:
        return await pod_pages.read(
            address,
            self.port,
            "/metrics",
            _MAX_BODY_BYTES,
            lambda body: load_of(body.decode(errors="replace")),
        )


@dataclass
class FakeLoadClient:
    """Answers for the addresses in `pods` and records those that it was asked for."""

    pods: Mapping[str, int] = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)

    async def requests(self, address: str) -> int | None:
        self.addresses.append(address)
        return self.pods.get(address)


def load_of(text: str) -> int | None:
    """The sum of the load's samples in Prometheus' text format; None where there are none.

    Raises:
        ValueError: the text has another format.
    """
    values = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name in _LOAD
    ]
    return round(sum(values)) if values else None
