"""The Secret that opens the sources of the data, as the container that fetches them sees it."""

from kaito_api.workspace import DataSource
from workspace_controller.manifests.pods import Files

PATH = "/mnt/access-secret"


def access_secret(source: DataSource) -> Files:
    """The Secret's volume and its mount, for the container that fetches the data and no other.

    A volume, not variables: the kubelet updates it, so a corrected Secret reaches the next start of
    the container.
    """
    if not source.access_secret:
        return Files()
    volume = {
        "name": "access-secret",
        # Readable for the group of the pod (fsGroup), and for nobody else.
        "secret": {"secretName": source.access_secret, "defaultMode": 0o440},
    }
    mount = {"name": "access-secret", "mountPath": PATH, "readOnly": True}
    return Files((volume,), (mount,))
