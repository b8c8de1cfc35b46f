"""Executes plans against the API server. Decides nothing."""

import logging
from dataclasses import dataclass

from kaito_api import labels
from kaito_kube.cluster import Cluster
from kaito_kube.errors import AlreadyExists, ClusterError, Forbidden, Invalid, NotFound
from kaito_kube.events import EventRecorder
from kaito_kube.kinds import WORKSPACE, Kind, Manifest
from workspace_controller.manifests.metadata import owner_of
from workspace_controller.observed import Refusal
from workspace_controller.plan.ownership import Ownership, name_taken, ownership
from workspace_controller.plan.plan import (
    Action,
    Apply,
    Create,
    Delete,
    EmitEvent,
    Plan,
)
from workspace_controller.plan.refusal import refusal_of
from workspace_controller.pod_clients.adapter_sender import AdapterSender
from workspace_controller.status_patch import merge_patch

logger = logging.getLogger(__name__)


class ActionRefused(ClusterError):
    """An action that will be refused again until somebody changes something."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.reason}: {refusal.message}")
        self.refusal = refusal


class BeingDeleted(ClusterError):
    """An object with the wanted name is being deleted; retrying helps."""


@dataclass(frozen=True, slots=True)
class Executor:
    cluster: Cluster
    recorder: EventRecorder
    adapters: AdapterSender

    async def execute(self, workspace: Manifest, plan: Plan) -> Manifest:
        """Executes the plan and returns the Workspace as the API server has it afterwards.

        Raises:
            ActionRefused: an action was refused; everything before it is done.
            ClusterError: the API server could not be asked.
        """
        if plan.finalizer == "add":
            workspace = await self._set_finalizer(workspace, present=True)
        for action in plan.actions:
            await self._run(workspace, action)
        for pull in plan.pulls:
            await self.adapters.send(owner_of(workspace), pull)
        workspace = await self.write_status(workspace, plan.status, plan.events)
        if plan.finalizer == "remove":
            workspace = await self._set_finalizer(workspace, present=False)
        return workspace

    async def write_status(
        self, workspace: Manifest, status: Manifest | None, events: tuple[EmitEvent, ...]
    ) -> Manifest:
        """Writes a status that differs from the current one, and records the events."""
        before = workspace.get("status") or {}
        if status is not None and status != before:
            metadata = workspace["metadata"]
            workspace = await self.cluster.patch(
                WORKSPACE,
                metadata["name"],
                {"status": merge_patch(before, status)},
                namespace=metadata["namespace"],
                subresource="status",
            )
            logger.info("updated status", extra={"state": status.get("state")})
        for event in events:
            logger.info("%s", event.note, extra={"reason": event.reason})
            await self.recorder.record(
                WORKSPACE, workspace, event.warning, event.reason, event.note
            )
        return workspace

    async def delete(self, action: Delete) -> None:
        """Starts the deletion of an object, which may be gone already."""
        try:
            await self.cluster.delete(action.kind, action.name, action.namespace)
            logger.info("deleted %s %s", action.kind, action.name)
        except NotFound:
            pass

    async def _run(self, workspace: Manifest, action: Action) -> None:
        try:
            match action:
                case Create():
                    await self._create(workspace, action)
                case Apply():
                    await self._apply(workspace, action)
                case Delete():
                    await self.delete(action)
        except (Forbidden, Invalid, NotFound) as error:
            raise ActionRefused(refusal_of(action.kind, error)) from error

    async def _create(self, workspace: Manifest, action: Create) -> None:
        kind, (name, namespace) = action.kind, _place(action.manifest)
        try:
            await self.cluster.create(kind, action.manifest)
            logger.info("created %s %s", kind, name)
        except AlreadyExists:
            _require_own(workspace, kind, await self.cluster.get(kind, name, namespace))

    async def _apply(self, workspace: Manifest, action: Apply) -> None:
        kind, (name, namespace) = action.kind, _place(action.manifest)
        if action.verify_owner:
            try:
                present = await self.cluster.get(kind, name, namespace)
            except NotFound:
                pass
            else:
                _require_own(workspace, kind, present)
                if action.keep_present:
                    return
        await self.cluster.apply(kind, action.manifest)
        logger.info("applied %s %s", kind, name)

    async def _set_finalizer(self, workspace: Manifest, *, present: bool) -> Manifest:
        """Guarded by the version that was observed, so that nobody else's finalizer is lost."""
        metadata = workspace["metadata"]
        others = [f for f in metadata.get("finalizers") or () if f != labels.WORKSPACE_FINALIZER]
        finalizers = [*others, labels.WORKSPACE_FINALIZER] if present else others
        version = metadata["resourceVersion"]
        patch = {"metadata": {"finalizers": finalizers, "resourceVersion": version}}
        return await self.cluster.patch(
            WORKSPACE, metadata["name"], patch, namespace=metadata["namespace"]
        )


def _place(manifest: Manifest) -> tuple[str, str]:
    """The name and the namespace."""
    metadata = manifest["metadata"]
    return metadata["name"], metadata.get("namespace", "")


def _require_own(workspace: Manifest, kind: Kind, present: Manifest) -> None:
    """Raises the error for what plan.ownership says about an object that exists already."""
    owner, name = owner_of(workspace), present["metadata"]["name"]
    match ownership(owner, kind, present):
        case Ownership.DELETING:
            raise BeingDeleted(f"{kind} {name} is being deleted")
        case Ownership.FOREIGN:
            raise ActionRefused(name_taken(owner, kind, name))
