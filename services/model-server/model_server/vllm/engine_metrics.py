"""vLLM's own metrics, read whenever ours are, so that one port has both.

Runs in the thread of the scrape: between two scrapes vLLM, which writes them in the process that
streams all answers, is left alone.
"""

import urllib.request
from collections.abc import Iterator

from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

_PREFIX = "vllm:"
_TIMEOUT_SECONDS = 5.0


class EngineMetrics:
    """The families of vLLM's /metrics; none while it does not answer."""

    def __init__(self, url: str) -> None:
        self._url = f"{url.rstrip('/')}/metrics"
        # The server is in the same pod: a proxy is never on the way.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def read(self) -> Iterator[Metric]:
        """Every family whose name is vLLM's. Those of its process would be taken for ours."""
        try:
            with self._opener.open(self._url, timeout=_TIMEOUT_SECONDS) as response:
                families = list(text_string_to_metric_families(response.read().decode()))
        # Of the connection, or of a text that is no metrics.
        except (OSError, ValueError):
            return
        yield from (family for family in families if family.name.startswith(_PREFIX))
