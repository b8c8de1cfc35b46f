"""A plan carried out: one call after the other, and nothing decided here."""

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
from workspace_controller.plan.plan import Action, Apply, Create, Delete, EmitEvent, Plan
from workspace_controller.plan.refusal import refusal_of

logger = logging.getLogger(__name__)


class ActionRefused(ClusterError):
    """A write that will be refused again until somebody does something."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.reason}: {refusal.message}")
        self.refusal = refusal


class BeingDeleted(ClusterError):
    """What stands in the way is on its way out."""


@dataclass(frozen=True, slots=True)
class Executor:
    """What plans are carried out with."""

    cluster: Cluster
    recorder: EventRecorder

    async def execute(self, workspace: Manifest, plan: Plan) -> Manifest:
        """Returns the Workspace as the server has it afterwards.

        Raises:
            Refused: the server refused a step; everything before that step is done.
            ClusterError: the server could not be asked.
        """
        if plan.finalizer == "add":
            workspace = await self._finalizer(workspace, add=True)
        for action in plan.actions:
            await self._do(workspace, action)
        workspace = await self.write_status(workspace, plan.status, plan.events)
        if plan.finalizer == "remove":
            workspace = await self._finalizer(workspace, add=False)
        return workspace

    async def write_status(
        self, workspace: Manifest, status: Manifest | None, events: tuple[EmitEvent, ...]
    ) -> Manifest:
        """Writes the status where it is another one, and says what changed."""
        before = workspace.get("status") or {}
        if status is not None and status != before:
            gone = {key: None for key in before if key not in status}
            metadata = workspace["metadata"]
            workspace = await self.cluster.patch(
                WORKSPACE,
                metadata["name"],
                {"status": {**status, **gone}},
                namespace=metadata["namespace"],
                subresource="status",
            )
            logger.info("status", extra={"state": status.get("state")})
        for event in events:
            logger.info("%s", event.note, extra={"reason": event.reason})
            await self.recorder.record(
                WORKSPACE, workspace, event.warning, event.reason, event.note
            )
        return workspace

    async def delete(self, kind: Kind, name: str, namespace: str = "") -> None:
        """What is gone is gone."""
        try:
            await self.cluster.delete(kind, name, namespace)
            logger.info("deleted %s %s", kind, name)
        except NotFound:
            pass

    async def _do(self, workspace: Manifest, action: Action) -> None:
        try:
            match action:
                case Create(kind, manifest):
                    await self._create(workspace, kind, manifest)
                case Apply(kind, manifest, known):
                    await self._apply(workspace, kind, manifest, known)
                case Delete(kind, name, namespace):
                    await self.delete(kind, name, namespace)
        except (Forbidden, Invalid, NotFound) as error:
            raise ActionRefused(refusal_of(action.kind, error)) from error

    async def _create(self, workspace: Manifest, kind: Kind, manifest: Manifest) -> None:
        name, namespace = _place(manifest)
        try:
            await self.cluster.create(kind, manifest)
            logger.info("created %s %s", kind, name)
        except AlreadyExists:
            _require_own(workspace, kind, await self.cluster.get(kind, name, namespace))

    async def _apply(
        self, workspace: Manifest, kind: Kind, manifest: Manifest, known: bool
    ) -> None:
        """An object that was not observed may still be there, and be another's."""
        name, namespace = _place(manifest)
        if not known:
            try:
                present = await self.cluster.get(kind, name, namespace)
            except NotFound:
                pass
            else:
                _require_own(workspace, kind, present)
        await self.cluster.apply(kind, manifest)
        logger.info("applied %s %s", kind, name)

    async def _finalizer(self, workspace: Manifest, *, add: bool) -> Manifest:
        """Guarded by the version that was read: nobody else's finalizer gets lost."""
        metadata = workspace["metadata"]
        others = [f for f in metadata.get("finalizers") or () if f != labels.WORKSPACE_FINALIZER]
        wanted = [*others, labels.WORKSPACE_FINALIZER] if add else others
        patch = {"metadata": {"finalizers": wanted, "resourceVersion": metadata["resourceVersion"]}}
        return await self.cluster.patch(
            WORKSPACE, metadata["name"], patch, namespace=metadata["namespace"]
        )


def _place(manifest: Manifest) -> tuple[str, str]:
    metadata = manifest["metadata"]
    return metadata["name"], metadata.get("namespace", "")


def _require_own(workspace: Manifest, kind: Kind, present: Manifest) -> None:
    """Raises what plan.ownership decides about an object that is in the way."""
    owner, name = owner_of(workspace), present["metadata"]["name"]
    match ownership(owner, kind, present):
        case Ownership.DELETING:
            raise BeingDeleted(f"{kind} {name} is being deleted")
        case Ownership.FOREIGN:
            raise ActionRefused(name_taken(owner, kind, name))
