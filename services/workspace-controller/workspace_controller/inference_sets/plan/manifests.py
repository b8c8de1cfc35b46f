"""The objects of an InferenceSet: its Workspaces, and the Service in front of all their pods."""

from collections.abc import Collection

from kaito_api import labels
from kaito_api.inference_set import InferenceSetSpec
from kaito_kube.kinds import INFERENCE_SET, WORKSPACE, Manifest
from workspace_controller.manifests.metadata import digest, with_revision
from workspace_controller.manifests.service import service_ports


def template_hash(spec: InferenceSetSpec) -> str:
    """A digest of everything that the Workspaces are made of.

    Fields with their default do not count: a later release, with more fields, rolls nothing out.
    """
    parts = (spec.label_selector, spec.template)
    return digest([p.model_dump(by_alias=True, exclude_defaults=True) for p in parts])[:10]


def replica_names(
    manifest: Manifest, hash_: str, count: int, taken: Collection[str]
) -> tuple[str, ...]:
    """Names for new Workspaces: the same for the same template, as long as they are not taken.

    So a Workspace whose creation was not answered is not created twice. The uid tells an earlier
    InferenceSet of the same name apart, whose Workspaces may still be there.
    """
    metadata = manifest["metadata"]
    names: list[str] = []
    slot = 0
    while len(names) < count:
        name = f"{metadata['name']}-{digest([metadata['uid'], hash_, slot])[:5]}"
        if name not in taken and name not in names:
            names.append(name)
        slot += 1
    return tuple(names)


def workspace(manifest: Manifest, name: str, hash_: str) -> Manifest:
    """A Workspace of the set, with what the template says."""
    spec, metadata = manifest["spec"], manifest["metadata"]
    template = spec["template"]
    own = template.get("metadata") or {}
    return {
        "apiVersion": WORKSPACE.api_version,
        "kind": WORKSPACE.kind,
        "metadata": {
            "name": name,
            "namespace": metadata["namespace"],
            "labels": {
                **(own.get("labels") or {}),
                labels.CREATED_BY_SET: metadata["name"],
                labels.TEMPLATE_HASH: hash_,
            },
            "annotations": dict(own.get("annotations") or {}),
            "ownerReferences": [owner_reference(manifest)],
        },
        "resource": {**(template.get("resource") or {}), "labelSelector": spec["labelSelector"]},
        "inference": template["inference"],
    }


def service(manifest: Manifest, http_port: int | None, *, first_pods_only: bool) -> Manifest:
    """`http_port` is that of the user's own pods. Of a model that spans nodes, only the first pod
    answers."""
    metadata = manifest["metadata"]
    name = metadata["name"]
    pods = {labels.CREATED_BY_SET: name, labels.ROLE: "inference"}
    if first_pods_only:
        pods["apps.kubernetes.io/pod-index"] = "0"
    return with_revision(
        {
            "metadata": {
                "name": name,
                "namespace": metadata["namespace"],
                "labels": {
                    labels.CREATED_BY_SET: name,
                    "app.kubernetes.io/managed-by": "kaito",
                },
                "ownerReferences": [owner_reference(manifest)],
            },
            "spec": {
                "type": "ClusterIP",
                "selector": pods,
                "ports": service_ports(http_port),
            },
        }
    )


def pod_selector(manifest: Manifest) -> str:
    """The pods that serve, in the form of the scale subresource."""
    return f"{labels.CREATED_BY_SET}={manifest['metadata']['name']},{labels.ROLE}=inference"


def owner_reference(manifest: Manifest) -> Manifest:
    return {
        "apiVersion": INFERENCE_SET.api_version,
        "kind": INFERENCE_SET.kind,
        "name": manifest["metadata"]["name"],
        "uid": manifest["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def is_owned(manifest: Manifest, child: Manifest) -> bool:
    """Whether the InferenceSet controls the object. A label alone makes nothing its own."""
    references = child["metadata"].get("ownerReferences") or ()
    uid = manifest["metadata"]["uid"]
    return any(r.get("uid") == uid and r.get("controller") for r in references)
