"""The Prometheus metrics of keys. A key's series end with it, so that their number is bounded."""

from collections.abc import Callable, Collection
from contextlib import suppress
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge

from kaito_keys.limits import NANODOLLARS


class KeyMetrics:
    """Registered only where there are keys. `waiting` counts settlements that the store lacks."""

    def __init__(self, registry: CollectorRegistry, waiting: Callable[[], float]) -> None:
        # Of the keys that are used, the time series are looked up once.
        self._series = cache(self._series_of)
        self._keys: frozenset[str] = frozenset()
        self._tokens = Counter(
            "kaito_gateway_key_tokens",
            "Tokens that a key has used, by kind (prompt or completion)",
            ["key", "kind"],
            registry=registry,
        )
        self._dollars = Counter(
            "kaito_gateway_key_dollars",
            "US dollars that a key has used, at the prices of KAITO_PRICES_FILE",
            ["key"],
            registry=registry,
        )
        self._refused = Counter(
            "kaito_gateway_key_refusals",
            "Requests refused because of their key, by the code of the error",
            ["code"],
            registry=registry,
        )
        self._known = Gauge(
            "kaito_gateway_keys", "API keys that the gateway knows", registry=registry
        )
        unsettled = Gauge(
            "kaito_gateway_unsettled_requests",
            "Requests whose usage has yet to reach the key store",
            registry=registry,
        )
        unsettled.set_function(waiting)

    def record_usage(self, key: str, prompt: int, completion: int, nanodollars: int) -> None:
        """Adds what one request has used, unless its key has gone: nobody would end its series."""
        if key not in self._keys:
            return
        prompts, completions, dollars = self._series(key)
        prompts.inc(prompt)
        completions.inc(completion)
        dollars.inc(nanodollars / NANODOLLARS)

    def _series_of(self, key: str) -> tuple[Counter, Counter, Counter]:
        tokens = self._tokens.labels
        return tokens(key, "prompt"), tokens(key, "completion"), self._dollars.labels(key)

    def record_refusal(self, code: str) -> None:
        self._refused.labels(code).inc()

    def set_keys(self, keys: Collection[str]) -> None:
        """Sets which keys there are, and drops the series of those that are gone."""
        self._known.set(len(keys))
        self._series.cache_clear()
        gone, self._keys = self._keys.difference(keys), frozenset(keys)
        for key in gone:
            for series, labels in (
                (self._tokens, (key, "prompt")),
                (self._tokens, (key, "completion")),
                (self._dollars, (key,)),
            ):
                # A key that was never used has none.
                with suppress(KeyError):
                    series.remove(*labels)
