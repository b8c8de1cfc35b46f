"""What the Workspaces of a namespace spend, and the limit that its Namespace sets.

The claims record it. What a pass has decided counts from that moment, not only once the store
shows the claims: two concurrent passes must not both spend the last dollar.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta

from kaito_api import labels
from kaito_kube.kinds import (
    NAMESPACE,
    WORKSPACE,
    Key,
    Kind,
    Manifest,
    annotations_of,
    key_of,
    labels_of,
)
from kaito_kube.store import Store
from kaito_skus.prices import PriceBook
from workspace_controller.manifests.claims import CLAIM_KINDS
from workspace_controller.manifests.metadata import is_labeled_for, owner_of
from workspace_controller.observed import Budget, Claim
from workspace_controller.plan.nodes.spending_workspaces import spending_workspace

# By then the store shows every claim that was created: a watch that is silent for longer is deaf.
_GRANT_TIME = timedelta(minutes=10)


class NamespaceBudgets:
    """An index of the claims in a store, and the requests of the passes in flight.

    Remembers nothing that a restart would lose: a new leader lists all claims before its first
    pass, and a request that was cut off has either created its claim or is decided again.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._granted: dict[Key, tuple[int, datetime]] = {}
        for kind in CLAIM_KINDS:
            store.index(kind, labels.WORKSPACE_NAMESPACE)
        store.add_listener(self._changed)

    def budget_for(self, workspace: Manifest, prices: PriceBook, now: datetime) -> Budget | None:
        """None where the namespace has no limit."""
        own = key_of(workspace)
        limits = limits_of(self._store.get(NAMESPACE, Key("", own.namespace)))
        if not limits:
            return None
        claims = self._claims_of_others(workspace)
        others = {key_of(w): w for w in self._store.all(WORKSPACE) if _is_rival(w, own)}
        names = sorted({*claims, *(key.name for key in others)})
        found = []
        for name in names:
            key = Key(own.namespace, name)
            granted = self._granted_nodes(key, now) if key != own else 0
            left = claims.get(name, ())
            found.append(spending_workspace(name, others.get(key), left, granted, prices))
        return Budget(limits, tuple(found))

    def decided(self, key: Key, nodes: int, now: datetime) -> None:
        """Registers that a pass requests nodes, in the same step as it has decided.

        A request stays until the store shows its claims: a pass that fails may have created them.
        """
        if nodes:
            self._granted[key] = (nodes, now)

    def _granted_nodes(self, key: Key, now: datetime) -> int:
        nodes, since = self._granted.get(key, (0, now))
        if now - since > _GRANT_TIME:
            del self._granted[key]
            return 0
        return nodes

    def _claims_of_others(self, workspace: Manifest) -> Mapping[str, list[Claim]]:
        """By the name of the Workspace. An earlier one of the own name is another, too."""
        owner, found = owner_of(workspace), defaultdict[str, list[Claim]](list)
        wanted = {labels.WORKSPACE_NAMESPACE: owner.namespace}
        for kind in CLAIM_KINDS:
            for manifest in self._store.select(kind, wanted):
                if not is_labeled_for(manifest, owner):
                    name = labels_of(manifest).get(labels.WORKSPACE, "")
                    found[name].append(Claim(kind, manifest))
        return found

    def _changed(self, kind: Kind, manifest: Manifest) -> None:
        if kind is WORKSPACE and self._store.get(WORKSPACE, key_of(manifest)) is None:
            self._granted.pop(key_of(manifest), None)


def limits_of(namespace: Manifest | None) -> dict[str, str]:
    """The limits that a Namespace sets, by field: a label and an annotation both count."""
    if namespace is None:
        return {}
    places = {"labels": labels_of(namespace), "annotations": annotations_of(namespace)}
    return {
        f"metadata.{place}[{labels.MAX_PRICE_PER_HOUR}]": found[labels.MAX_PRICE_PER_HOUR]
        for place, found in places.items()
        if labels.MAX_PRICE_PER_HOUR in found
    }


def _is_rival(workspace: Manifest, own: Key) -> bool:
    key = key_of(workspace)
    return key != own and key.namespace == own.namespace
