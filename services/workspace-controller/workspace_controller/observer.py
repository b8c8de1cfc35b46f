"""Observed, from the store and the few objects that are read when they are needed."""

import asyncio
from dataclasses import dataclass, replace

from kaito_api import labels
from kaito_api.workspace import WorkspaceSpec
from kaito_kube import kinds
from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.errors import NotFound
from kaito_kube.kinds import Key, Kind, Manifest
from kaito_kube.store import Store
from workspace_controller.catalog_facts import catalog_facts
from workspace_controller.manifests.claims import CLAIM_KINDS
from workspace_controller.manifests.metadata import Owner, belongs_to, is_labeled_for, owner_of
from workspace_controller.manifests.tuning_job import CONFIG_KEY
from workspace_controller.node_reservations import NodeReservations
from workspace_controller.observed import Absence, Claim, Observed, SecretFact, UserFile
from workspace_controller.plan.nodes.selection import is_free_node, is_own_node
from workspace_controller.plan.spec import (
    parse_spec,
    referenced_secrets,
    selector_labels,
    user_config,
)
from workspace_controller.plan.tuning.adapter import tuned_adapter
from workspace_controller.plan.tuning.job import progress_pod
from workspace_controller.settings import Settings
from workspace_controller.tuning_client import TuningClient

INFERENCE_CONFIG_KEY = "inference_config.yaml"


@dataclass(frozen=True, slots=True)
class Observer:
    """Looks at one Workspace at a time. `store` is kept true by others, and `holdings` with it."""

    cluster: Cluster
    store: Store
    reservations: NodeReservations
    clock: Clock
    settings: Settings
    tuning: TuningClient

    async def observe(self, workspace: Manifest) -> Observed:
        """Raises ClusterError when something that must be read could not be."""
        seen = self._from_store(workspace)
        if seen.deleting:
            return replace(seen, claims=await self._claims_now(seen.owner))
        if (spec := seen.spec) is None:
            return seen
        seen = replace(seen, file=await self._file(seen, spec))
        seen = replace(seen, secrets=await self._secrets(seen, spec))
        seen = await self._with_progress(seen)
        # Last: what others decided while this one waited counts.
        return replace(seen, reserved_nodes=self._held(seen))

    async def observe_candidate(self, workspace: Manifest) -> Observed:
        """Looks at a Workspace that is only about to be. Raises ClusterError."""
        seen = self._from_store(workspace)
        if (spec := seen.spec) is not None and user_config(spec):
            seen = replace(seen, file=await self._file(seen, spec))
        return seen

    async def observe_absence(self, key: Key) -> Absence:
        """Looks at what a Workspace that the store does not know has left. Raises ClusterError.

        The server is asked too, because what the store does not know may only be late.
        """
        claims = self._claims_labelled(key)
        if not claims:
            return Absence()
        try:
            workspace = await self.cluster.get(kinds.WORKSPACE, key.name, key.namespace)
        except NotFound:
            return Absence(claims=claims)
        self.store.upsert(kinds.WORKSPACE, workspace)
        return Absence(claims=claims, workspace=workspace)

    def _from_store(self, workspace: Manifest) -> Observed:
        owner, known = owner_of(workspace), self.store
        spec, problem = parse_spec(workspace)
        labelled = owner.labels

        def own(kind: Kind) -> list[Manifest]:
            found = known.select(kind, labelled, owner.namespace)
            return [manifest for manifest in found if belongs_to(manifest, owner)]

        def first(kind: Kind) -> Manifest | None:
            return next((m for m in own(kind) if m["metadata"]["name"] == owner.name), None)

        nodes = self._nodes(owner, spec)
        return Observed(
            workspace=workspace,
            settings=self.settings,
            now=self.clock.now(),
            spec=spec,
            spec_problem=problem,
            claims=tuple(c for c in self._claims(owner) if is_labeled_for(c.manifest, owner)),
            orphaned_claims=tuple(
                c for c in self._claims(owner) if not is_labeled_for(c.manifest, owner)
            ),
            nodes=nodes,
            unserved_kinds=frozenset(
                kind for kind in CLAIM_KINDS if not known.is_kind_served(kind)
            ),
            pods=tuple(known.select(kinds.POD, labelled, owner.namespace)),
            job=first(kinds.JOB),
            deployment=first(kinds.DEPLOYMENT),
            stateful_set=first(kinds.STATEFUL_SET),
            services={m["metadata"]["name"]: m for m in own(kinds.SERVICE)},
            **catalog_facts(spec, self.settings, nodes),
        )

    def _claims_labelled(self, key: Key) -> tuple[Claim, ...]:
        """Whatever was asked for in a Workspace's name and is not on its way out."""
        where = {labels.WORKSPACE: key.name, labels.WORKSPACE_NAMESPACE: key.namespace}
        found = (
            Claim(kind, manifest)
            for kind in CLAIM_KINDS
            for manifest in self.store.select(kind, where)
        )
        return tuple(claim for claim in found if not claim.deleting)

    def _claims(self, owner: Owner) -> tuple[Claim, ...]:
        return tuple(
            Claim(kind, manifest)
            for kind in CLAIM_KINDS
            for manifest in self.store.select(kind, owner.labels)
        )

    async def _claims_now(self, owner: Owner) -> tuple[Claim, ...]:
        """Asked for, not remembered: the finalizer goes by this answer. A cluster that knows no
        such kind has none of it."""
        found: list[Claim] = []
        for kind in CLAIM_KINDS:
            try:
                listing = await self.cluster.list(kind, labels=dict(owner.labels))
            except NotFound:
                continue
            found += [Claim(kind, m) for m in listing.items if is_labeled_for(m, owner)]
        return tuple(found)

    def _nodes(self, owner: Owner, spec: WorkspaceSpec | None) -> tuple[Manifest, ...]:
        wanted = selector_labels(spec) if spec is not None else {}
        type_ = (spec.resource.instance_type or "") if spec is not None else ""
        own = [n for n in self.store.select(kinds.NODE, owner.labels) if is_own_node(n, owner)]
        if not wanted:
            return tuple(own)
        free = self.store.without_label(kinds.NODE, labels.WORKSPACE)
        return (*own, *(node for node in free if is_free_node(node, wanted, type_)))

    def _held(self, seen: Observed) -> frozenset[str]:
        shared = (n["metadata"]["name"] for n in seen.nodes if not is_own_node(n, seen.owner))
        return self.reservations.reserved_by_others(seen.workspace, shared)

    async def _file(self, seen: Observed, spec: WorkspaceSpec) -> UserFile | None:
        """The configuration, while it can still change what is made."""
        namespace = seen.owner.namespace
        if spec.tuning is not None:
            if tuned_adapter(seen, spec.tuning) is not None:
                return None
            if spec.tuning.config:
                return await self._read(namespace, spec.tuning.config, CONFIG_KEY)
            template = f"{spec.tuning.method}-params-template"
            return await self._read(self.settings.release_namespace, template, CONFIG_KEY)
        if spec.inference is not None and spec.inference.config:
            return await self._read(namespace, spec.inference.config, INFERENCE_CONFIG_KEY)
        return None

    async def _read(self, namespace: str, name: str, key: str) -> UserFile:
        try:
            found = await self.cluster.get(kinds.CONFIG_MAP, name, namespace)
        except NotFound:
            return UserFile(namespace, name, key, None)
        return UserFile(namespace, name, key, (found.get("data") or {}).get(key))

    async def _secrets(self, seen: Observed, spec: WorkspaceSpec) -> dict[str, SecretFact]:
        if seen.workload is not None:
            return {}
        named = referenced_secrets(spec, pushes=seen.file is not None)
        reads = [self._secret(seen.owner.namespace, name) for name in named.values()]
        return dict(zip(named, await asyncio.gather(*reads), strict=True))

    async def _secret(self, namespace: str, name: str) -> SecretFact:
        try:
            found = await self.cluster.get(kinds.SECRET, name, namespace)
        except NotFound:
            return SecretFact(name, None)
        return SecretFact(name, frozenset(found.get("data") or ()))

    async def _with_progress(self, seen: Observed) -> Observed:
        pod = progress_pod(seen) if seen.file is not None else None
        if pod is None:
            return seen
        return replace(seen, run=await self.tuning.get(pod["status"]["podIP"]))
