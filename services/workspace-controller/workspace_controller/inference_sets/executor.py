"""Executes the plans of InferenceSets against the API server. Decides nothing."""

import logging
from dataclasses import dataclass

from kaito_api import labels
from kaito_kube.cluster import Cluster
from kaito_kube.errors import AlreadyExists, Forbidden, Invalid, NotFound
from kaito_kube.events import EventRecorder
from kaito_kube.kinds import INFERENCE_SET, SERVICE, WORKSPACE, Kind, Manifest
from workspace_controller.executor import ActionRefused
from workspace_controller.inference_sets.plan.plan import ScaleTo, SetPlan
from workspace_controller.plan.plan import Apply, Delete, EmitEvent
from workspace_controller.plan.refusal import refusal_of
from workspace_controller.status_patch import merge_patch

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SetExecutor:
    cluster: Cluster
    recorder: EventRecorder

    async def execute(self, manifest: Manifest, plan: SetPlan) -> None:
        """Executes the plan.

        Raises:
            ActionRefused: an action was refused; everything before it is done.
            ClusterError: the API server could not be asked.
        """
        namespace = manifest["metadata"]["namespace"]
        if plan.scale is not None:
            await self._scale(manifest, plan.scale)
        for name, hash_ in plan.adopts:
            await self._adopt(name, namespace, hash_)
        for workspace in plan.creates:
            await self._create(workspace)
        for name in plan.deletes:
            await self._delete(WORKSPACE, name, namespace)
        match plan.service:
            case Apply(kind=kind, manifest=service):
                await self._apply(kind, service)
            case Delete():
                await self._delete(SERVICE, manifest["metadata"]["name"], namespace)
        await self.write_status(manifest, plan.status, plan.events)
        if plan.finalizers is not None:
            await self._set_finalizers(manifest, plan.finalizers)

    async def write_status(
        self, manifest: Manifest, status: Manifest | None, events: tuple[EmitEvent, ...]
    ) -> None:
        """Writes a status that differs from the current one, and records the events."""
        before, metadata = manifest.get("status") or {}, manifest["metadata"]
        if status is not None and status != before:
            await self.cluster.patch(
                INFERENCE_SET,
                metadata["name"],
                {"status": merge_patch(before, status)},
                namespace=metadata["namespace"],
                subresource="status",
            )
        for event in events:
            await self._record(manifest, event)

    async def _record(self, manifest: Manifest, event: EmitEvent) -> None:
        logger.info("%s", event.note, extra={"reason": event.reason})
        await self.recorder.record(INFERENCE_SET, manifest, event.warning, event.reason, event.note)

    async def _scale(self, manifest: Manifest, scale: ScaleTo) -> None:
        """Number and time in one write, so that no crash lets a second change follow too soon.
        Guarded by the version that was observed: somebody may have scaled by hand."""
        metadata = manifest["metadata"]
        patch = {
            "metadata": {
                "resourceVersion": metadata["resourceVersion"],
                "annotations": {labels.SCALED_AT: scale.at},
            },
            "spec": {"replicas": scale.replicas},
        }
        await self.cluster.patch(
            INFERENCE_SET, metadata["name"], patch, namespace=metadata["namespace"]
        )
        await self._record(manifest, scale.event)

    async def _adopt(self, name: str, namespace: str, hash_: str) -> None:
        patch = {"metadata": {"labels": {labels.TEMPLATE_HASH: hash_}}}
        try:
            await self.cluster.patch(WORKSPACE, name, patch, namespace=namespace)
            logger.info("adopted Workspace %s", name)
        except NotFound:
            # Deleted meanwhile, which triggers the next pass.
            pass

    async def _create(self, workspace: Manifest) -> None:
        name = workspace["metadata"]["name"]
        try:
            await self.cluster.create(WORKSPACE, workspace)
            logger.info("created Workspace %s", name)
        except AlreadyExists:
            # Of a create whose answer was lost, or of somebody else: the next pass sees which.
            logger.info("Workspace %s exists already", name)
        except (Forbidden, Invalid, NotFound) as error:
            raise ActionRefused(refusal_of(WORKSPACE, error)) from error

    async def _apply(self, kind: Kind, manifest: Manifest) -> None:
        try:
            await self.cluster.apply(kind, manifest)
            logger.info("applied %s %s", kind, manifest["metadata"]["name"])
        except (Forbidden, Invalid, NotFound) as error:
            raise ActionRefused(refusal_of(kind, error)) from error

    async def _delete(self, kind: Kind, name: str, namespace: str) -> None:
        try:
            await self.cluster.delete(kind, name, namespace)
            logger.info("deleted %s %s", kind, name)
        except NotFound:
            pass

    async def _set_finalizers(self, manifest: Manifest, finalizers: tuple[str, ...]) -> None:
        """Guarded by the version that was observed, so that nobody else's finalizer is lost."""
        metadata = manifest["metadata"]
        version = metadata["resourceVersion"]
        patch = {"metadata": {"finalizers": list(finalizers), "resourceVersion": version}}
        await self.cluster.patch(
            INFERENCE_SET, metadata["name"], patch, namespace=metadata["namespace"]
        )
