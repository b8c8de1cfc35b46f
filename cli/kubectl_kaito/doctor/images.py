"""Whether a pod waits for a registry that does not answer. Pure."""

import re

from kaito_api import labels
from kaito_kube.kinds import Manifest, key_of, labels_of

_WAITING = ("ErrImagePull", "ImagePullBackOff")
# What containerd and CRI-O say of a registry that they do not reach, in contrast to one that
# refuses: an image that does not exist is not the registry's fault.
_UNREACHABLE = re.compile(
    r"no such host|dial tcp|i/o timeout|connection refused|connection reset|network is unreachable"
    r"|server misbehaving|TLS handshake timeout|x509|Client\.Timeout|deadline exceeded"
    r"|50[234] (Bad Gateway|Service Unavailable|Gateway)",
    re.IGNORECASE,
)


def unreachable_image(pod: Manifest) -> str | None:
    """Names container, image and cause; None where nothing is wrong, or the pod is not Kaito's."""
    own = labels_of(pod)
    if labels.WORKSPACE not in own and own.get("app.kubernetes.io/part-of") != "kaito":
        return None
    status = pod.get("status") or {}
    for each in (
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ):
        waiting = (each.get("state") or {}).get("waiting") or {}
        message = str(waiting.get("message") or "")
        if waiting.get("reason") in _WAITING and _UNREACHABLE.search(message):
            return f"pod {key_of(pod)} cannot pull {each.get('image')}: {message}"
    return None
