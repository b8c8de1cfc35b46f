"""Observes a Workspace: from the store, and from the API server what is not watched."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from kaito_api import labels
from kaito_api.workspace import WorkspaceSpec
from kaito_kube import kinds
from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.errors import NotFound
from kaito_kube.kinds import Key, Kind, Manifest, key_of
from kaito_kube.store import Store
from kaito_skus.prices import PriceBook
from workspace_controller.adoption import adopted_workload, is_kaitos
from workspace_controller.catalog_facts import catalog_facts
from workspace_controller.creation_events import forbidden_pods
from workspace_controller.hub.models import HubModels, ModelQuery
from workspace_controller.hub.refusals import without_token
from workspace_controller.hub.token import token_of
from workspace_controller.manifests.administration import token
from workspace_controller.manifests.claims import CLAIM_KINDS
from workspace_controller.manifests.controller_revision import Revision, parse_revision
from workspace_controller.manifests.data_check import data_check_name
from workspace_controller.manifests.metadata import Owner, belongs_to, is_labeled_for, owner_of
from workspace_controller.manifests.tuning_nodes import tuning_policy_name
from workspace_controller.namespace_budgets import NamespaceBudgets
from workspace_controller.node_reservations import NodeReservations
from workspace_controller.observed import (
    Absence,
    Budget,
    Claim,
    ModelDownload,
    ModelStart,
    Observed,
    PullingPod,
    RejectedAdapter,
    SecretFact,
    UserFile,
    VolumeClaimFact,
)
from workspace_controller.plan.hub_model import look_up, with_found_model, with_pinned_model
from workspace_controller.plan.model_cache import labels_that_matter
from workspace_controller.plan.nodes.selection import is_matching_node, is_own_node
from workspace_controller.plan.pods.status import is_ready
from workspace_controller.plan.serving.adapters.adapter_sources import (
    named_workspaces,
    with_adapter_sources,
)
from workspace_controller.plan.serving.adapters.pulled_adapters import wanted_pulls
from workspace_controller.plan.serving.adapters.served import adapter_pods, pulling_pods
from workspace_controller.plan.serving.health import downloading_pods
from workspace_controller.plan.serving.start.startup import pod_to_ask
from workspace_controller.plan.serving.updates.revisions import needs_revisions
from workspace_controller.plan.spec import (
    ConfigRef,
    config_ref,
    parse_spec,
    referenced_secrets,
    referenced_volume_claims,
    selector_labels,
)
from workspace_controller.plan.tuning.adapter import tuned_adapter
from workspace_controller.plan.tuning.job import progress_pod
from workspace_controller.plan.tuning.storage import chooses_storage
from workspace_controller.pod_clients.adapter_client import AdapterClient
from workspace_controller.pod_clients.download_client import DownloadClient
from workspace_controller.pod_clients.model_client import ModelClient
from workspace_controller.pod_clients.tuning_client import TuningClient
from workspace_controller.rollout import Rollout
from workspace_controller.settings import Settings


@dataclass(frozen=True, slots=True)
class Observer:
    """Decides nothing. Others feed the store; `reservations` and `rollout` follow it.

    Secrets and ConfigMaps of users are read when a pass needs them. They are not watched:
    the controller has no right to list Secrets.
    """

    cluster: Cluster
    store: Store
    reservations: NodeReservations
    rollout: Rollout
    clock: Clock
    settings: Settings
    tuning: TuningClient
    adapters: AdapterClient
    hub: HubModels
    models: ModelClient
    downloads: DownloadClient
    budgets: NamespaceBudgets
    prices: Callable[[], PriceBook]

    async def observe(self, workspace: Manifest) -> Observed:
        """Everything that is known about a Workspace at this moment.

        Raises:
            ClusterError: an object that must be read could not be read.
        """
        seen = self._from_store(workspace)
        seen = replace(seen, adopted_workload=await adopted_workload(self.cluster, seen))
        if seen.deleting:
            return replace(seen, claims=await self._list_claims(seen.owner))
        if (spec := seen.spec) is None:
            return seen
        seen = await self._with_hub_model(seen, spec)
        seen = replace(seen, file=await self._file(self._config_ref(seen, spec)))
        if chooses_storage(seen, spec):
            listing = await self.cluster.list(kinds.STORAGE_CLASS)
            seen = replace(seen, storage_classes=tuple(listing.items))
        if seen.workload is None:
            # Once a workload exists, the kubelet reports what it misses.
            seen = await self._with_references(seen, spec)
        seen = await self._with_progress(seen)
        seen = replace(seen, forbidden_pods=await forbidden_pods(self.cluster, seen))
        seen = replace(
            seen,
            rejected_adapters=await self._rejected_adapters(seen),
            pulling_pods=await self._pulling_pods(seen),
        )
        seen = replace(seen, model_start=await self._model_start(seen))
        if needs_revisions(seen):
            seen = replace(seen, revisions=await self._revisions(seen.owner))
        seen = replace(seen, download=await self._download(seen))
        await self._namespace(seen.owner.namespace)
        # Last, because other passes can reserve nodes or take the turn while this one awaits.
        return replace(
            seen,
            reserved_nodes=self._reserved_nodes(seen),
            budget=self._budget(seen),
            namespace_labels=labels_that_matter(self._stored_namespace(seen.owner.namespace)),
            other_update=self.rollout.other_update(key_of(workspace)),
        )

    async def observe_candidate(self, workspace: Manifest) -> Observed:
        """What validation needs to know about a Workspace that does not exist yet.

        Raises:
            ClusterError: an object that must be read could not be read.
        """
        seen = self._from_store(workspace)
        if (spec := seen.spec) is None:
            return seen
        ref = self._config_ref(seen, spec, with_default=False)
        seen = replace(seen, file=await self._file(ref))
        seen = await self._with_references(seen, spec)
        await self._namespace(seen.owner.namespace)
        return replace(seen, reserved_nodes=self._reserved_nodes(seen), budget=self._budget(seen))

    async def observe_absence(self, key: Key) -> Absence:
        """What remains of a Workspace that is not in the store.

        Asks the API server as well, because the store may only be behind; if so, it is fed.

        Raises:
            ClusterError: the API server could not be asked.
        """
        owner_labels = {labels.WORKSPACE: key.name, labels.WORKSPACE_NAMESPACE: key.namespace}
        claims = tuple(claim for claim in self._claims(owner_labels) if not claim.deleting)
        if not claims:
            return Absence()
        try:
            workspace = await self.cluster.get(kinds.WORKSPACE, key.name, key.namespace)
        except NotFound:
            return Absence(claims=claims)
        self.store.upsert(kinds.WORKSPACE, workspace)
        return Absence(claims=claims, workspace=workspace)

    def _from_store(self, workspace: Manifest) -> Observed:
        owner, store = owner_of(workspace), self.store
        spec, problem = parse_spec(workspace)

        def owned(kind: Kind) -> list[Manifest]:
            labeled = store.select(kind, owner.labels, owner.namespace)
            return [manifest for manifest in labeled if belongs_to(manifest, owner)]

        def named(kind: Kind, name: str = owner.name) -> Manifest | None:
            return next((m for m in owned(kind) if m["metadata"]["name"] == name), None)

        # KAITO's Jobs and pods name the Workspace, and not its namespace.
        named_only = {labels.WORKSPACE: owner.name}
        jobs = store.select(kinds.JOB, named_only, owner.namespace)
        # All claims of that name, because an earlier Workspace can have left some.
        nodes, claims = self._nodes(owner, spec), self._claims(owner.labels)
        seen = Observed(
            workspace=workspace,
            settings=self.settings,
            now=self.clock.now(),
            prices=self.prices(),
            spec=spec,
            spec_problem=problem,
            claims=tuple(c for c in claims if is_labeled_for(c.manifest, owner)),
            orphaned_claims=tuple(c for c in claims if not is_labeled_for(c.manifest, owner)),
            nodes=nodes,
            unserved_kinds=frozenset(k for k in CLAIM_KINDS if not store.is_kind_served(k)),
            pods=tuple(store.select(kinds.POD, named_only, owner.namespace)),
            data_check=named(kinds.JOB, data_check_name(owner)),
            job=named(kinds.JOB),
            adopted_job=next((job for job in jobs if is_kaitos(job, owner)), None),
            deployment=named(kinds.DEPLOYMENT),
            stateful_set=named(kinds.STATEFUL_SET),
            network_policy=named(kinds.NETWORK_POLICY),
            tuning_policy=named(kinds.NETWORK_POLICY, tuning_policy_name(owner)),
            tuned_workspaces={
                name: store.get(kinds.WORKSPACE, Key(owner.namespace, name))
                for name in named_workspaces(spec)
            },
            services={m["metadata"]["name"]: m for m in owned(kinds.SERVICE)},
            **catalog_facts(spec, self.settings, nodes),
        )
        seen = with_adapter_sources(seen)
        return with_pinned_model(seen, seen.spec) if seen.spec is not None else seen

    async def _namespace(self, name: str) -> None:
        """Reads a Namespace that the store does not show yet: its limit counts from the start."""
        if self._stored_namespace(name) is None:
            try:
                self.store.upsert(kinds.NAMESPACE, await self.cluster.get(kinds.NAMESPACE, name))
            except NotFound:
                return

    def _stored_namespace(self, name: str) -> Manifest | None:
        return self.store.get(kinds.NAMESPACE, Key("", name))

    def _budget(self, seen: Observed) -> Budget | None:
        return self.budgets.budget_for(seen.workspace, seen.prices, seen.now)

    def _claims(self, owner_labels: dict[str, str]) -> tuple[Claim, ...]:
        return tuple(
            Claim(kind, manifest)
            for kind in CLAIM_KINDS
            for manifest in self.store.select(kind, owner_labels)
        )

    async def _list_claims(self, owner: Owner) -> tuple[Claim, ...]:
        """Lists from the API server: the finalizer is removed when this answer is empty.

        A cluster that does not serve a kind has no claim of that kind.
        """
        claims: list[Claim] = []
        for kind in CLAIM_KINDS:
            try:
                listing = await self.cluster.list(kind, labels=dict(owner.labels))
            except NotFound:
                continue
            claims += [Claim(kind, m) for m in listing.items if is_labeled_for(m, owner)]
        return tuple(claims)

    def _nodes(self, owner: Owner, spec: WorkspaceSpec | None) -> tuple[Manifest, ...]:
        wanted = selector_labels(spec) if spec is not None else {}
        instance_type = (spec.resource.instance_type or "") if spec is not None else ""
        own = [n for n in self.store.select(kinds.NODE, owner.labels) if is_own_node(n, owner)]
        if not wanted:
            return tuple(own)
        unowned = self.store.without_label(kinds.NODE, labels.WORKSPACE)
        return (*own, *(node for node in unowned if is_matching_node(node, wanted, instance_type)))

    def _reserved_nodes(self, seen: Observed) -> frozenset[str]:
        shared = (n["metadata"]["name"] for n in seen.nodes if not is_own_node(n, seen.owner))
        return self.reservations.reserved_by_others(seen.workspace, shared)

    def _config_ref(
        self, seen: Observed, spec: WorkspaceSpec, *, with_default: bool = True
    ) -> ConfigRef | None:
        """None once the adapter is produced: the configuration cannot change it any longer."""
        if spec.tuning is not None and not _is_to_tune(seen, spec):
            return None
        release = self.settings.release_namespace
        return config_ref(spec, seen.owner.namespace, release, with_default=with_default)

    async def _file(self, ref: ConfigRef | None) -> UserFile | None:
        if ref is None:
            return None
        try:
            config_map = await self.cluster.get(kinds.CONFIG_MAP, ref.config_map, ref.namespace)
        except NotFound:
            return UserFile(ref.namespace, ref.config_map, ref.key, None)
        text = (config_map.get("data") or {}).get(ref.key)
        return UserFile(ref.namespace, ref.config_map, ref.key, text)

    async def _with_references(self, seen: Observed, spec: WorkspaceSpec) -> Observed:
        """The Secrets and PersistentVolumeClaims that the Workspace names, by field."""
        namespace, pushes = seen.owner.namespace, _is_to_tune(seen, spec)
        secrets = referenced_secrets(spec, pushes)
        claims = referenced_volume_claims(spec, pushes)
        facts = await asyncio.gather(*(self._secret(namespace, n) for n in secrets.values()))
        found = await asyncio.gather(*(self._volume_claim(namespace, n) for n in claims.values()))
        return replace(
            seen,
            secrets=dict(zip(secrets, facts, strict=True)),
            volume_claims=dict(zip(claims, found, strict=True)),
        )

    async def _with_hub_model(self, seen: Observed, spec: WorkspaceSpec) -> Observed:
        """What the hub says about the model, unless the status has it already."""
        wanted = look_up(seen, spec)
        if wanted is None:
            return seen
        token = await self._token(seen.owner.namespace, wanted.secret) if wanted.secret else ""
        if token is None:
            return with_found_model(seen, spec, without_token(wanted.name, wanted.secret))
        query = ModelQuery(wanted.name, wanted.revision, wanted.secret, token)
        return with_found_model(seen, spec, await self.hub.find(query))

    async def _token(self, namespace: str, name: str) -> str | None:
        """The token of the hub in a Secret; it goes to the hub, and into no observation."""
        try:
            secret = await self.cluster.get(kinds.SECRET, name, namespace)
        except NotFound:
            return None
        return token_of(secret)

    async def _secret(self, namespace: str, name: str) -> SecretFact:
        try:
            secret = await self.cluster.get(kinds.SECRET, name, namespace)
        except NotFound:
            return SecretFact(name, None)
        return SecretFact(name, frozenset(secret.get("data") or ()))

    async def _volume_claim(self, namespace: str, name: str) -> VolumeClaimFact:
        try:
            claim = await self.cluster.get(kinds.VOLUME_CLAIM, name, namespace)
        except NotFound:
            return VolumeClaimFact(name, exists=False)
        modes = (claim.get("spec") or {}).get("accessModes") or ()
        return VolumeClaimFact(name, exists=True, access_modes=frozenset(modes))

    async def _with_progress(self, seen: Observed) -> Observed:
        pod = progress_pod(seen) if seen.file is not None else None
        if pod is None:
            return seen
        return replace(seen, run=await self.tuning.get(pod["status"]["podIP"]))

    async def _model_start(self, seen: Observed) -> ModelStart | None:
        pod = pod_to_ask(seen)
        return None if pod is None else await self.models.start(pod["status"]["podIP"])

    async def _revisions(self, owner: Owner) -> tuple[Revision, ...]:
        """Those of a StatefulSet have the same labels, and another owner."""
        listing = await self.cluster.list(
            kinds.CONTROLLER_REVISION, namespace=owner.namespace, labels=dict(owner.labels)
        )
        own = (parse_revision(item) for item in listing.items if belongs_to(item, owner))
        return tuple(revision for revision in own if revision is not None)

    async def _download(self, seen: Observed) -> ModelDownload | None:
        """Of several pods, the one that keeps the others waiting."""
        pods = downloading_pods(seen)
        addresses = [ip for pod in pods if (ip := pod["status"].get("podIP"))]
        answers = await asyncio.gather(*(self.downloads.get(each) for each in addresses))
        known = [answer for answer in answers if answer is not None]
        return min(known, key=lambda answer: answer.done_bytes, default=None)

    async def _rejected_adapters(self, seen: Observed) -> tuple[RejectedAdapter, ...] | None:
        """By name, each once: the pods of one Workspace usually reject the same ones."""
        pods = adapter_pods(seen)
        asked = (self.adapters.rejected(pod["status"]["podIP"]) for pod in pods)
        answers = [answer for answer in await asyncio.gather(*asked) if answer is not None]
        if not answers:
            return None
        pulled = _pulled_names(seen)
        by_name = {a.name: a for answer in answers for a in answer if a.name not in pulled}
        return tuple(by_name[name] for name in sorted(by_name))

    async def _pulling_pods(self, seen: Observed) -> tuple[PullingPod, ...]:
        pods = pulling_pods(seen)
        key = token(self.settings.administration_key, seen.owner) if pods else ""
        return tuple(await asyncio.gather(*(self._pulling_pod(pod, key) for pod in pods)))

    async def _pulling_pod(self, pod: Manifest, key: str) -> PullingPod:
        name, address = pod["metadata"]["name"], pod["status"]["podIP"]
        answer = await self.adapters.pulled(address, key)
        return PullingPod(
            name=name,
            address=address,
            ready=is_ready(pod),
            revision=answer.revision if answer is not None else None,
            adapters=answer.adapters if answer is not None else (),
        )


def _pulled_names(seen: Observed) -> frozenset[str]:
    """Those that a pod which pulls rejects are known from what it pulls."""
    if seen.spec is None or not pulling_pods(seen):
        return frozenset()
    return frozenset(adapter.name for adapter in wanted_pulls(seen.spec, seen.settings))


def _is_to_tune(seen: Observed, spec: WorkspaceSpec) -> bool:
    return spec.tuning is not None and tuned_adapter(seen, spec.tuning) is None
