"""Which models a key may use. Pure.

A key names models, namespaces, or both, and may use what either allows; one that names neither may
use everything. A Workspace's name, with or without its namespace, stands for its base model and all
of its adapters, a preset for the base model, and an adapter for itself alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from inference_gateway.endpoints.endpoint import Endpoint
from inference_gateway.endpoints.routing import RouteMatch
from kaito_keys.key_policy import KeyPolicy


@dataclass(frozen=True, slots=True)
class Permissions:
    """What one key may use."""

    models: frozenset[str]
    namespaces: frozenset[str]

    @classmethod
    def of(cls, policy: KeyPolicy) -> "Permissions":
        return cls(frozenset(policy.models), frozenset(policy.namespaces))

    @property
    def allow_all(self) -> bool:
        return not self.models and not self.namespaces

    def may_see(self, endpoint: Endpoint) -> bool:
        """Whether any model of the endpoint may be used."""
        if self._may_use_workspace(endpoint) or endpoint.preset in self.models:
            return True
        return any(adapter.name in self.models for adapter in endpoint.adapters)

    def may_use(self, endpoint: Endpoint, name: str) -> bool:
        """Whether `name` of the endpoint may be used, a preset, an adapter or a Workspace's name.

        Empty and a Workspace's names mean its default model.
        """
        if self._may_use_workspace(endpoint) or name in self.models:
            return True
        own_names = ("", endpoint.address.workspace, endpoint.address.label)
        if name in own_names and endpoint.model is not None:
            return (endpoint.model.default_model or endpoint.preset) in self.models
        return False

    def filter(self, matches: Sequence[RouteMatch]) -> list[RouteMatch]:
        """The matches that may be used."""
        if self.allow_all:
            return list(matches)
        return [each for each in matches if self.may_use(each.endpoint, each.served_model)]

    def _may_use_workspace(self, endpoint: Endpoint) -> bool:
        address = endpoint.address
        return (
            self.allow_all
            or address.namespace in self.namespaces
            or address.label in self.models
            or address.workspace in self.models
        )
