"""Where a run keeps its checkpoints, and what is at stake where that is the node's disk."""

from dataclasses import dataclass

from kaito_api import condition_types
from kaito_api.conditions import Condition, false, true
from kaito_api.reasons import Reason
from kaito_api.workspace import Tuning, WorkspaceSpec
from kaito_kube.kinds import VOLUME_CLAIM, Manifest, annotations_of
from workspace_controller.manifests.results_claim import (
    claim_of,
    results_claim,
    results_claim_name,
)
from workspace_controller.manifests.spread import spread_of
from workspace_controller.observed import Observed
from workspace_controller.plan.plan import Create, Delete
from workspace_controller.plan.tuning.adapter import tuned_adapter

# The setting for the node's disk.
NONE = "none"
# Kubernetes knows both, and some installers still set the older one.
_IS_DEFAULT = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)
# Their volumes stay on the node that they were made on, and a pod cannot follow a run elsewhere.
_OF_ONE_NODE = frozenset(
    {
        "kubernetes.io/no-provisioner",
        "rancher.io/local-path",
        "docker.io/hostpath",
        "microk8s.io/hostpath",
        "k8s.io/minikube-hostpath",
        "openebs.io/local",
        "local.csi.openebs.io",
        "topolvm.io",
    }
)


# Volumes of these can be mounted on several nodes at once.
_OF_SEVERAL_NODES = (
    "file.csi.azure.com",
    "kubernetes.io/azure-file",
    "efs.csi.aws.com",
    "fsx.csi.aws.com",
    "filestore.csi.storage.gke.io",
    "nfs.csi.k8s.io",
    "cephfs.csi.ceph.com",
    "driver.longhorn.io",
)
# And these cannot be, whoever names them.
_DISKS = ("disk.csi.azure.com", "ebs.csi.aws.com", "pd.csi.storage.gke.io")


@dataclass(frozen=True, slots=True)
class Storage:
    """A volume of the class `storage_class`; or none, and `why_not`."""

    storage_class: str = ""
    why_not: str = ""


def chooses_storage(observed: Observed, spec: WorkspaceSpec) -> bool:
    """Whether the classes are to be listed: the run that is to come has no volume yet, and may get
    one. What a Job has, it keeps."""
    return (
        spec.tuning is not None
        and spec.tuning.output.volume_source is None
        and observed.job is None
        and tuned_adapter(observed, spec.tuning) is None
        and observed.settings.checkpoint_storage_class != NONE
    )


def choose_storage(observed: Observed, nodes: int = 1) -> Storage:
    """The class of the settings, or the cluster's default where its volumes follow a pod.

    Several nodes mount the same volume, which few classes allow.
    """
    found = _choose(observed)
    if nodes == 1 or not found.storage_class:
        return found
    named = observed.settings.checkpoint_storage_class != ""
    classes = {str(each["metadata"]["name"]): each for each in observed.storage_classes}
    provisioner = str(classes[found.storage_class].get("provisioner"))
    shared = provisioner.endswith(_OF_SEVERAL_NODES)
    if shared or (named and provisioner not in _DISKS):
        return found
    why_not = f"a volume of the StorageClass {found.storage_class} is for one node at a time"
    return Storage(why_not=why_not)


def _choose(observed: Observed) -> Storage:
    wanted = observed.settings.checkpoint_storage_class
    if wanted == NONE:
        return Storage(why_not="the setting checkpointStorageClass is none")
    if wanted:
        # Its claim would stay pending, and the pod with it, on a node that is paid for.
        if all(found["metadata"]["name"] != wanted for found in observed.storage_classes):
            why_not = (
                f"the StorageClass {wanted} of the setting checkpointStorageClass does not exist"
            )
            return Storage(why_not=why_not)
        return Storage(wanted)
    # Kubernetes itself takes the newest of several.
    defaults = sorted(
        (each for each in observed.storage_classes if _is_default(each)),
        key=lambda found: str(found["metadata"].get("creationTimestamp")),
    )
    if not defaults:
        return Storage(why_not="no StorageClass is the cluster's default")
    name = str(defaults[-1]["metadata"]["name"])
    if defaults[-1].get("provisioner") in _OF_ONE_NODE:
        return Storage(why_not=f"the default StorageClass {name} keeps a volume on one node")
    return Storage(name)


def _is_default(storage_class: Manifest) -> bool:
    marks = annotations_of(storage_class)
    return any(marks.get(name) == "true" for name in _IS_DEFAULT)


def new_claim(observed: Observed, nodes: int) -> Create | None:
    """The claim of a Job that is about to be created; None for the node's disk."""
    found = choose_storage(observed, nodes)
    if not found.storage_class:
        return None
    owner = observed.owner
    name = results_claim_name(owner, observed.workspace["metadata"].get("generation", 0))
    size = observed.settings.checkpoint_storage_size
    manifest = results_claim(owner, name, found.storage_class, size, shared=nodes > 1)
    return Create(VOLUME_CLAIM, manifest)


def unneeded_claim(observed: Observed, job: Manifest) -> tuple[Delete, ...]:
    """Deletes the volume of a run that is over, or that another one replaces."""
    name = claim_of(job)
    return (Delete(VOLUME_CLAIM, name, observed.owner.namespace),) if name else ()


def checkpoints_condition(observed: Observed, tuning: Tuning, nodes: int) -> Condition:
    """Whether the checkpoints outlive the pod. What a user's own volume does is up to them."""
    type_ = condition_types.CHECKPOINTS_KEPT
    if tuning.output.volume_source is not None:
        return true(
            type_, Reason.CHECKPOINTS_ON_VOLUME, "checkpoints are on the volume of tuning.output"
        )
    if observed.job is not None:
        claim = claim_of(observed.job)
        if claim:
            return _on_volume(f"PersistentVolumeClaim {claim}")
        return _on_disks(observed, "", spread_of(observed.job).nodes)
    found = choose_storage(observed, nodes)
    if found.storage_class:
        return _on_volume(f"a volume of StorageClass {found.storage_class}")
    return _on_disks(observed, found.why_not, nodes)


def _on_volume(what: str) -> Condition:
    message = (
        f"checkpoints are on {what}: on another pod or node the run goes on from the newest one; "
        "it is deleted once the adapter is pushed"
    )
    return true(condition_types.CHECKPOINTS_KEPT, Reason.CHECKPOINTS_ON_VOLUME, message)


def _on_disks(observed: Observed, why: str, nodes: int) -> Condition:
    return _on_node(observed, why) if nodes == 1 else _on_nodes(observed, why, nodes)


def _on_nodes(observed: Observed, why: str, nodes: int) -> Condition:
    """Each node has a copy, and sends it to one that has lost its own."""
    type_, reason = condition_types.CHECKPOINTS_KEPT, Reason.CHECKPOINTS_ON_NODES
    before = observed.condition(type_)
    if not why and before.get("reason") == reason:
        return true(type_, reason, before["message"])
    message = (
        f"each of the {nodes} nodes has a copy of the checkpoints on its disk (emptyDir)"
        + (f", because {why}" if why else "")
        + ": as long as one of their pods is left, the run goes on from the newest one; if all are "
        "lost, it starts again from step 0, unless "
        "workspace-controller.settings.checkpointStorageClass names a StorageClass whose volumes "
        "several nodes can mount (ReadWriteMany)"
    )
    return true(type_, reason, message)


def _on_node(observed: Observed, why: str) -> Condition:
    """The reason is known while the volume is chosen, and the status keeps it for the run."""
    before = observed.condition(condition_types.CHECKPOINTS_KEPT)
    if not why and before.get("reason") == Reason.CHECKPOINTS_ON_NODE:
        return false(
            condition_types.CHECKPOINTS_KEPT, Reason.CHECKPOINTS_ON_NODE, before["message"]
        )
    message = (
        "checkpoints are on the disk of the node (emptyDir)"
        + (f", because {why}" if why else "")
        + ": if the pod or its node is lost, the run starts again from step 0, and what it has "
        "cost is lost; make a StorageClass whose volumes follow a pod the cluster's default, or "
        "set workspace-controller.settings.checkpointStorageClass, before the run begins"
    )
    return false(condition_types.CHECKPOINTS_KEPT, Reason.CHECKPOINTS_ON_NODE, message)
