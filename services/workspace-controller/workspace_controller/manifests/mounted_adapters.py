"""The adapters that the pods of a workload mount, read back from its template."""

from collections.abc import Mapping

from kaito_kube.kinds import Manifest
from workspace_controller.manifests.pods import ADAPTERS_PATH
from workspace_controller.manifests.serving_containers import MODEL_SERVER

_PREFIX = f"{ADAPTERS_PATH}/"


def mounted_volumes(pod: Manifest) -> dict[str, Manifest | None]:
    """The volume of each adapter, by the adapter's name. `pod` is the spec of a pod."""
    volumes = {str(each.get("name")): each for each in pod.get("volumes") or ()}
    return {
        mount["mountPath"].removeprefix(_PREFIX): volumes.get(mount["name"])
        for container in pod.get("containers") or ()
        if container.get("name") == MODEL_SERVER
        for mount in container.get("volumeMounts") or ()
        if str(mount.get("mountPath", "")).startswith(_PREFIX)
    }


def mounted_images(workload: Manifest | None) -> Mapping[str, str]:
    """The image of each adapter that is mounted from one."""
    template = ((workload or {}).get("spec") or {}).get("template") or {}
    return {
        name: str(volume["image"].get("reference") or "")
        for name, volume in mounted_volumes(template.get("spec") or {}).items()
        if volume is not None and volume.get("image")
    }
