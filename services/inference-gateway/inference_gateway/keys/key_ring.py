"""All keys that the gateway knows. Pure."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kaito_keys import api_key
from kaito_keys.key_policy import KeyPolicy

# Compared where there is no such key, so that the time of a look-up does not tell which ids exist.
_NOBODY = "sha256:" + "0" * 64


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Immutable: a change of the files makes a new one."""

    policies: Mapping[str, KeyPolicy] = field(default_factory=dict)

    def find(self, text: str, now: datetime) -> KeyPolicy | None:
        """The policy of a key, if it is genuine, not disabled and not expired."""
        key = api_key.parse(text)
        if key is None:
            return None
        policy = self.policies.get(key.id)
        is_genuine = hmac.compare_digest(key.digest, policy.digest if policy else _NOBODY)
        return policy if policy and is_genuine and policy.is_usable(now) else None

    def still_admits(self, policy: KeyPolicy, now: datetime) -> bool:
        """Whether a request that was admitted under this policy may go on."""
        present = self.policies.get(policy.id)
        return present is not None and present.digest == policy.digest and present.is_usable(now)
