"""The volume of an upload, and the pod that fills it. Pure."""

from importlib.resources import files
from math import ceil

from kaito_kube.kinds import Manifest
from kubectl_kaito.upload.local_file import LocalFile

# On a claim whose file is complete: its digest.
DATASET_DIGEST = "kaito.sh/dataset-digest"
CONTAINER = "receiver"
_LABELS = {"app.kubernetes.io/managed-by": "kubectl-kaito", "app.kubernetes.io/component": "upload"}
_MOUNT = "/data"
# The user of Kaito's images; the group owns what the pods of a tuning read.
_USER = 65532
# A pod that nobody deletes ends by itself; an upload that takes longer is begun again and resumes.
_DEADLINE_SECONDS = 4 * 3600
_GIB = 2**30


def claim_name(workspace: str, file: LocalFile) -> str:
    """Another file gets another volume: a run trains on all that its volume holds."""
    return f"{workspace}-data-{file.digest[:10]}"


def claim(name: str, file: LocalFile, storage_class: str | None) -> Manifest:
    """With a tenth more than the file, for the file system itself."""
    spec: Manifest = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": f"{max(1, ceil(file.size * 1.1 / _GIB))}Gi"}},
    }
    if storage_class is not None:
        spec["storageClassName"] = storage_class
    return {"metadata": {"name": name, "labels": _LABELS}, "spec": spec}


def pod(name: str, image: str) -> Manifest:
    """Waits for the upload; it has the tuner's image, which a tuning needs on its node anyway."""
    container: Manifest = {
        "name": CONTAINER,
        "image": image,
        "command": ["python", "-c", f"import time; time.sleep({_DEADLINE_SECONDS})"],
        "resources": {
            "requests": {"cpu": "100m", "memory": "64Mi"},
            "limits": {"memory": "256Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "data", "mountPath": _MOUNT}],
    }
    return {
        "metadata": {"name": f"{name}-upload", "labels": _LABELS},
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": _DEADLINE_SECONDS,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": _USER,
                "runAsGroup": _USER,
                "fsGroup": _USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": name}}],
        },
    }


def command(file: LocalFile) -> list[str]:
    program = (files("kubectl_kaito.upload") / "receive.py").read_text(encoding="utf-8")
    target = f"{_MOUNT}/{file.path.name}"
    return ["python", "-c", program, target, str(file.size), file.digest]
