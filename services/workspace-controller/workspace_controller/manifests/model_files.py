"""How the files of a model reach the containers of its pod."""

import json
from importlib import resources

from kaito_kube.kinds import Manifest
from kaito_presets.hub.downloads import ignored_patterns
from workspace_controller.manifests.pods import (
    CONTAINER_SECURITY,
    METRICS_PORT,
    MODEL_COPY,
    MODEL_DOWNLOAD,
    MODEL_PATH,
    Files,
    ModelSource,
    container,
    empty_dir,
    image_volume,
)
from workspace_controller.settings import HUB_ENDPOINT, ModelDelivery, PodSettings

_MODEL_MOUNT = {"name": "model", "mountPath": MODEL_PATH, "readOnly": True}
# The files are mounted, so no library needs to ask the hub for them.
_OFFLINE = ({"name": "HF_HUB_OFFLINE", "value": "1"},)
_PACKAGE = resources.files("workspace_controller")
_IMPORT = "from workspace_controller.model_cache import NodeCache\n"
# The first process of a container drops a signal that it has no handler for: without one the pod
# would stay, with its node, until its grace period is over. These come before all imports.
_END_WHEN_STOPPED = "import os, signal\nsignal.signal(signal.SIGTERM, lambda *_: os._exit(143))\n"
_TRAP = "trap 'exit 143' TERM; "
# Where the container that downloads has the node's models.
_CACHE_PATH = "/var/cache/kaito-models"
# The kubelet creates the folder on the node for root, whom no capability helps beyond it.
_ROOT: Manifest = {"runAsUser": 0, "runAsGroup": 0, "runAsNonRoot": False}


def _program() -> str:
    """The image of the container has a Python, and nothing of this package: one text has it all."""
    cache = (_PACKAGE / "model_cache.py").read_text("utf-8")
    download = (_PACKAGE / "model_download.py").read_text("utf-8").replace(_IMPORT, "")
    return _END_WHEN_STOPPED + cache + download


_PROGRAM = _program()


def model_files(source: ModelSource, downloader: PodSettings) -> Files:
    """The model's files at MODEL_PATH, by any way of delivery.

    `downloader` is a container with Python.
    """
    if source.delivery is ModelDelivery.HUB:
        return _from_hub(source, downloader)
    path = source.path.strip("/")
    if source.delivery is ModelDelivery.IMAGE_VOLUME:
        mount = {"name": "model", "mountPath": MODEL_PATH, "subPath": path, "readOnly": True}
        return Files((image_volume("model", source.image),), (mount,), env=_OFFLINE)
    copy = {
        "name": MODEL_COPY,
        "image": source.image,
        "command": ["/bin/sh", "-c", f"{_TRAP}cp -R /{path}/. {MODEL_PATH}/ & wait $!"],
        "securityContext": dict(CONTAINER_SECURITY),
        "volumeMounts": [{"name": "model", "mountPath": MODEL_PATH}],
    }
    return Files((empty_dir("model"),), (_MODEL_MOUNT,), (copy,), _OFFLINE)


def _from_hub(source: ModelSource, downloader: PodSettings) -> Files:
    """Only the init container gets the token and needs a way out of the pod.

    It serves its progress on the port of the metrics, which is free until it has ended, and which
    network policies leave open.
    """
    ignored = ignored_patterns(mistral_format=source.preset.vllm.mistral_format)
    env = {
        "KAITO_HUB_ID": source.preset.hf_id,
        "KAITO_HUB_REVISION": source.revision or "main",
        "KAITO_HUB_IGNORE": json.dumps(ignored),
        "KAITO_MODEL_PATH": MODEL_PATH,
        "KAITO_METRICS_PORT": str(METRICS_PORT),
        "HF_ENDPOINT": source.hub_endpoint or HUB_ENDPOINT,
    }
    secrets: tuple[Manifest, ...] = ()
    if source.access_secret:
        key = {"name": source.access_secret, "key": "HF_TOKEN"}
        secrets = ({"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": key}},)
    command = {"command": ["python3", "-c", _PROGRAM]}
    if (cache := source.cache) is None:
        if source.uncached:
            env["KAITO_MODEL_UNCACHED"] = source.uncached
        mount = {"name": "model", "mountPath": MODEL_PATH}
        files = Files(mounts=(mount,), env=secrets)
        download = {**container(MODEL_DOWNLOAD, downloader, env, files), **command}
        return Files((empty_dir("model"),), (_MODEL_MOUNT,), (download,), _OFFLINE)
    env["KAITO_MODEL_CACHE"] = _CACHE_PATH
    env["KAITO_MODEL_PATH"] = f"{_CACHE_PATH}/{cache.path}"
    mount = {"name": "model", "mountPath": _CACHE_PATH}
    download = {
        **container(MODEL_DOWNLOAD, downloader, env, Files(mounts=(mount,), env=secrets)),
        **command,
        "securityContext": {**CONTAINER_SECURITY, **_ROOT},
    }
    kept = {"name": "model", "hostPath": {"path": cache.root, "type": "DirectoryOrCreate"}}
    return Files((kept,), ({**_MODEL_MOUNT, "subPath": cache.path},), (download,), _OFFLINE)
