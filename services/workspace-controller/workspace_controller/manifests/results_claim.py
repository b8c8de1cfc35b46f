"""The volume of a tuning run's results, which outlives its pod and its node."""

from kaito_kube.kinds import Manifest
from workspace_controller.manifests.metadata import Owner, metadata


def results_claim_name(owner: Owner, generation: int) -> str:
    """With a dot, which the name of a Workspace cannot have.

    Another spec is another run, and needs a volume of its own: the former one may be going.
    """
    return f"{owner.name}.results-{generation}"


def results_claim(
    owner: Owner, name: str, storage_class: str, size: str, *, shared: bool = False
) -> Manifest:
    """`shared`: pods on several nodes mount it."""
    return {
        "metadata": metadata(owner, name, "tuning"),
        "spec": {
            "accessModes": ["ReadWriteMany" if shared else "ReadWriteOnce"],
            "storageClassName": storage_class,
            "resources": {"requests": {"storage": size}},
        },
    }


def claim_of(job: Manifest) -> str:
    """The claim with the results of that tuning Job, if one was made for it; else empty."""
    pod = job.get("spec", {}).get("template", {}).get("spec", {})
    for volume in pod.get("volumes") or ():
        if volume.get("name") == "results":
            claim = (volume.get("persistentVolumeClaim") or {}).get("claimName") or ""
            own = str(job["metadata"]["name"])
            return claim if claim.startswith(f"{own}.results-") else ""
    return ""
