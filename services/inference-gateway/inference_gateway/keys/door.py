"""Lets requests with a good key in, and ends those whose key is good no longer."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from inference_gateway.keys import problems
from inference_gateway.keys.key_metrics import KeyMetrics
from inference_gateway.keys.key_ring import KeyRing
from inference_gateway.keys.permissions import Permissions
from kaito_keys import api_key
from kaito_keys.key_policy import KeyPolicy

# OpenAI's clients and most others, Anthropic's, Azure OpenAI's.
_BEARER, _PLAIN = b"authorization", (b"x-api-key", b"api-key")
_SCHEME = b"bearer "
Headers = Iterable[tuple[bytes, bytes]]


@dataclass(slots=True, kw_only=True)
class Door:
    """`now` gives seconds since 1970."""

    metrics: KeyMetrics
    now: Callable[[], float]
    ring: KeyRing = field(default_factory=KeyRing)
    _running: dict[asyncio.Timeout, KeyPolicy] = field(default_factory=dict)

    def authenticate(self, headers: Headers) -> KeyPolicy:
        """The policy of the key that a request brings.

        Raises:
            RequestRejected: 401, it brings none, or none that is good.
        """
        text = _find(headers)
        if not text:
            raise problems.missing_key()
        policy = self.ring.find(text, self._time())
        if policy is None:
            raise problems.unknown_key() if api_key.parse(text) else problems.malformed_key()
        return policy

    def view_of(self, headers: Headers) -> Permissions:
        """Which models the holder of a request's key sees.

        Raises:
            RequestRejected: as `authenticate`.
        """
        return Permissions.of(self.authenticate(headers))

    @contextmanager
    def admit(self, policy: KeyPolicy, timeout: asyncio.Timeout) -> Iterator[None]:
        """Watches a request while it runs: its timeout is up once its key is good no longer."""
        self._running[timeout] = policy
        try:
            yield
        finally:
            del self._running[timeout]

    def apply(self, ring: KeyRing | None) -> None:
        """Takes new keys, or the time alone, and ends requests that may not go on."""
        if ring is not None:
            self.metrics.set_keys(ring.policies.keys())
            self.ring = ring
        now = self._time()
        at_once = asyncio.get_running_loop().time()
        for timeout, policy in self._running.items():
            if not self.ring.still_admits(policy, now):
                timeout.reschedule(at_once)

    def _time(self) -> datetime:
        return datetime.fromtimestamp(self.now(), UTC)


def _find(headers: Headers) -> str:
    for name, value in headers:
        if name == _BEARER and value[: len(_SCHEME)].lower() == _SCHEME:
            return value[len(_SCHEME) :].strip().decode("latin-1")
        if name in _PLAIN:
            return value.strip().decode("latin-1")
    return ""
