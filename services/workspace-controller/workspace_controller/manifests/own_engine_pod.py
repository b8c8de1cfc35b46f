"""The user's own pod with an engine in it, and model-server and inference-gateway beside that.

The container of the engine becomes a sidecar: the kubelet starts it before the two that call it,
and ends it after they have sent their last answer.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kaito_kube.kinds import Manifest
from workspace_controller.manifests.metadata import Owner
from workspace_controller.manifests.pods import (
    ADAPTERS_PATH,
    MODEL_PATH,
    POD_SECURITY,
    Files,
    empty_dir,
)
from workspace_controller.manifests.serving_containers import (
    gateway_container,
    model_server_container,
    model_server_env,
)
from workspace_controller.settings import MIN_GRACE_PERIOD_SECONDS, PodSettings, Settings

# As model-server names them.
OWN_ENGINES = ("openai", "text-generation-server")
STARTUP_SECONDS = 1800
# The volume of what is added; a template has none of this name.
TMP_VOLUME = "kaito-tmp"
# What the pods that Kaito makes have for all of their containers.
_SECURITY: Mapping[str, Any] = {
    key: value for key, value in POD_SECURITY.items() if key != "fsGroup"
}


@dataclass(frozen=True, slots=True)
class OwnEngine:
    """`name` is that of model-server; the server listens in `container`, on `port`.

    `model` is the server's name of its model, empty where the server lists it.
    """

    name: str
    container: str
    port: int
    model: str = ""


def with_own_engine(
    template: Manifest,
    engine: OwnEngine,
    owner: Owner,
    settings: Settings,
    max_model_len: int,
    *,
    measures: bool = True,
) -> Manifest:
    """The template with what is added; the model has the Workspace's name.

    `max_model_len` is in tokens, 0 where the engine tells how long its context is.
    """
    result = copy.deepcopy(template)
    spec = result["spec"]
    grace_period_seconds = _grace_period_seconds(spec, settings)
    env = {
        **model_server_env(owner, grace_period_seconds, measures=measures),
        "KAITO_MODEL_NAME": owner.name,
        "KAITO_ENGINE": engine.name,
        "KAITO_ENGINE_URL": f"http://127.0.0.1:{engine.port}",
        **({"KAITO_ENGINE_MODEL": engine.model} if engine.model else {}),
        **({"KAITO_MAX_MODEL_LEN": str(max_model_len)} if max_model_len else {}),
    }
    server = model_server_container(
        _without_torch(settings),
        env,
        Files(mounts=_shared_mounts(spec, engine)),
        grace_period_seconds=grace_period_seconds,
        startup_seconds=STARTUP_SECONDS,
    )
    gateway = gateway_container(owner, settings.gateway, grace_period_seconds)
    containers = [each for each in spec.get("containers") or () if isinstance(each, dict)]
    others = [each for each in containers if each.get("name") != engine.container]
    sidecars = [{**each, "restartPolicy": "Always"} for each in containers if each not in others]
    spec["terminationGracePeriodSeconds"] = grace_period_seconds
    spec["initContainers"] = [*(spec.get("initContainers") or ()), *sidecars]
    spec["containers"] = [*others, *(_in_foreign_pod(each) for each in (server, gateway))]
    spec["volumes"] = [*(spec.get("volumes") or ()), empty_dir(TMP_VOLUME)]
    return result


def _shared_mounts(spec: Manifest, engine: OwnEngine) -> tuple[Manifest, ...]:
    """What the engine has where model-server looks for a tokenizer and for adapters."""
    containers = (*(spec.get("containers") or ()), *(spec.get("initContainers") or ()))
    named = (each for each in containers if isinstance(each, dict))
    own = next(each for each in named if each.get("name") == engine.container)
    mounts = (each for each in own.get("volumeMounts") or () if isinstance(each, dict))
    return tuple(
        {**mount, "readOnly": True}
        for mount in mounts
        if f"{mount.get('mountPath')}/".startswith((f"{MODEL_PATH}/", f"{ADAPTERS_PATH}/"))
    )


def _grace_period_seconds(spec: Manifest, settings: Settings) -> int:
    """The user's, unless it leaves nothing for answers."""
    seconds = spec.get("terminationGracePeriodSeconds")
    if isinstance(seconds, int) and seconds >= MIN_GRACE_PERIOD_SECONDS:
        return seconds
    return settings.termination_grace_period_seconds


def _without_torch(settings: Settings) -> PodSettings:
    slim = settings.model_server_slim_image
    return replace(settings.model_server, image=slim) if slim else settings.model_server


def _in_foreign_pod(container: Manifest) -> Manifest:
    """The container in a pod whose security and volumes are the user's."""
    mounts = [
        {**mount, "name": TMP_VOLUME} if mount["mountPath"] == "/tmp" else mount
        for mount in container["volumeMounts"]
    ]
    security = {**_SECURITY, **container["securityContext"]}
    return {**container, "volumeMounts": mounts, "securityContext": security}
