"""The Job that fetches the data, trains, and pushes the adapter: three containers in order."""

import json
from dataclasses import dataclass
from typing import Any

from kaito_api.workspace import DataDestination, DataSource, Tuning
from kaito_kube.kinds import Manifest
from kaito_presets.preset import Preset
from workspace_controller.manifests.access_secret import access_secret
from workspace_controller.manifests.metadata import Owner, metadata, with_revision
from workspace_controller.manifests.model_files import model_files
from workspace_controller.manifests.placement import Placement
from workspace_controller.manifests.pods import (
    DATA_SUBPATH,
    GRPC_PORT,
    METRICS_PORT,
    MODEL_PATH,
    Files,
    ModelSource,
    container,
    empty_dir,
    image_volume,
    pod_spec,
    with_gpus,
)
from workspace_controller.manifests.spread import ALONE, NODE_DISK, Spread
from workspace_controller.manifests.tuning_nodes import apart, indexed, node_disk
from workspace_controller.manifests.tuning_revision import job_revision
from workspace_controller.manifests.workload import headless_name
from workspace_controller.settings import ModelDelivery, Settings

FETCHER, TRAINER, PUSHER = "data-fetcher", "trainer", "pusher"
CONFIG_KEY = "training_config.yaml"
PUSH_SECRET_PATH = "/mnt/push-secret"
_SIGNING_SECRET_PATH = "/mnt/signing-secret"
_CA_PATH = "/mnt/registry-ca"
# Restarts of containers count towards the limit. A failure can pass, for example once a Secret is
# corrected, and the adapter to push exists in the pod only. The kubelet restarts a container every
# five minutes at most, so this many restarts take a week.
_BACKOFF_LIMIT = 7 * 24 * 12
CONFIG_MOUNT = {"name": "config", "mountPath": "/mnt/config", "readOnly": True}
_RESULTS = {"name": "results", "mountPath": "/mnt/results"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningPod:
    """`config` is the text of training_config.yaml.

    `results_claim` names the volume that keeps the results; empty for the node's disk.
    """

    owner: Owner
    tuning: Tuning
    model: ModelSource
    config: str
    placement: Placement
    settings: Settings
    spread: Spread = ALONE
    results_claim: str = ""


def config_map_name(owner: Owner) -> str:
    return f"{owner.name}-tuning-config"


def config_map(owner: Owner, config: str) -> Manifest:
    """A copy of the configuration, so that a later edit does not change a run in progress."""
    return with_revision(
        {
            "metadata": metadata(owner, config_map_name(owner), "tuning"),
            "data": {CONFIG_KEY: config},
        }
    )


def config_volume(owner: Owner) -> Manifest:
    return {"name": "config", "configMap": {"name": config_map_name(owner)}}


def job(pod: TuningPod) -> Manifest:
    nodes = pod.spread.nodes
    pods = {"completions": 1, "parallelism": 1} if nodes == 1 else indexed(nodes)
    return with_revision(
        {
            "metadata": metadata(pod.owner, pod.owner.name, "tuning"),
            "spec": {
                # When one pod is lost, all containers restart.
                "backoffLimit": _BACKOFF_LIMIT * nodes,
                **pods,
                # The next pod needs the GPU that the failed one holds until it is gone.
                "podReplacementPolicy": "Failed",
                "template": {
                    "metadata": {"labels": metadata(pod.owner, "", "tuning")["labels"]},
                    "spec": _pod_spec(pod),
                },
            },
        },
        job_revision(pod.tuning, pod.config),
    )


def _pod_spec(pod: TuningPod) -> Manifest:
    model = model_files(pod.model, pod.settings.tuner)
    data = data_files(pod.tuning.input)
    output = _output(pod.tuning.output, pod.results_claim)
    phases = _phases(pod, model, data, output)
    spec = pod_spec(pod.placement, (*pod.model.pull_secrets, *pod.tuning.input.image_pull_secrets))
    several = pod.spread.nodes > 1
    if several:
        spec["affinity"] = {**spec["affinity"], **apart(pod.owner)}
        spec["subdomain"] = headless_name(pod.owner)
    return {
        **spec,
        # The kubelet restarts a failed container in the same pod, which keeps its volumes.
        "restartPolicy": "OnFailure",
        # Time for the trainer to save a checkpoint.
        "terminationGracePeriodSeconds": 30,
        "initContainers": [*model.init, *phases[:-1]],
        "containers": [phases[-1]],
        "volumes": [
            *model.volumes,
            *data.volumes,
            *access_secret(pod.tuning.input).volumes,
            *output.volumes,
            config_volume(pod.owner),
            empty_dir("dshm", "Memory"),
            empty_dir("tmp"),
            *((node_disk(),) if several else ()),
        ],
    }


def _phases(pod: TuningPod, model: Files, data: Files, output: Files) -> list[Manifest]:
    """The containers in order. With an output volume there is nothing to push."""
    rank, disk = pod.spread.rank_env, (NODE_DISK,) if pod.spread.nodes > 1 else ()
    train = Files(
        mounts=(*model.mounts, *data.mounts, _RESULTS, CONFIG_MOUNT, _SHM, *disk),
        env=(*model.env, POD_UID, *rank),
    )
    trainer = {**phase_container(pod, TRAINER, "train", train), **_tracking(pod.tuning)}
    access = access_secret(pod.tuning.input)
    tokenizer = _tokenizer(pod.model, model)
    fetch = Files(
        mounts=(*tokenizer.mounts, *data.mounts, *access.mounts, CONFIG_MOUNT),
        env=(*tokenizer.env, POD_UID, *rank),
    )
    phases = [
        phase_container(pod, FETCHER, "fetch", fetch),
        {**with_gpus(trainer, pod.placement.gpus), "ports": _PORTS},
    ]
    if pod.tuning.output.image:
        seen = Files(mounts=(_RESULTS, CONFIG_MOUNT, *output.mounts), env=rank)
        phases.append({**phase_container(pod, PUSHER, "push", seen), "ports": _PORTS})
    return phases


def _tokenizer(source: ModelSource, model: Files) -> Files:
    """The model for the fetcher, whose report is exact with the tokenizer.

    From the hub, the trainer itself downloads the model, so the fetcher has none.
    """
    return Files() if source.delivery is ModelDelivery.HUB else model


_SHM = {"name": "dshm", "mountPath": "/dev/shm"}
# Lets a restarted container recognize a permanent failure of its own pod.
POD_UID = {"name": "KAITO_POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}}
_PORTS = [
    {"name": "grpc", "containerPort": GRPC_PORT},
    {"name": "metrics", "containerPort": METRICS_PORT},
]


def phase_container(pod: TuningPod, name: str, command: str, files: Files) -> Manifest:
    """A container that runs one of the tuner's commands."""
    return {**container(name, pod.settings.tuner, _env(pod), files), "args": [command]}


def _env(pod: TuningPod) -> dict[str, str]:
    tuning, settings, need = pod.tuning, pod.settings, pod.model.preset.tuning
    return {
        "KAITO_WORKSPACE": pod.owner.name,
        "KAITO_NAMESPACE": pod.owner.namespace,
        "KAITO_BASE_MODEL": pod.model.preset.name,
        "KAITO_BASE_MODEL_HUB_ID": pod.model.preset.hf_id,
        "KAITO_BASE_MODEL_LICENSE": pod.model.preset.license,
        "KAITO_MODEL_PARAMETERS": str(_parameters(pod.model.preset) or ""),
        "KAITO_INSTANCE_TYPE": pod.placement.instance_type,
        "KAITO_METHOD": tuning.method,
        "KAITO_DATA_URLS": json.dumps(tuning.input.urls),
        "KAITO_ACCESS_SECRET_NAME": tuning.input.access_secret or "",
        "KAITO_DATA_DIR": "/mnt/data",
        "KAITO_MODEL_PATH": MODEL_PATH,
        "KAITO_CONFIG_FILE": f"/mnt/config/{CONFIG_KEY}",
        "KAITO_RESULTS_DIR": "/mnt/results",
        "KAITO_OUTPUT_IMAGE": tuning.output.image or "",
        "KAITO_PUSH_SECRET_FILE": f"{PUSH_SECRET_PATH}/.dockerconfigjson",
        "KAITO_PUSH_SECRET_NAME": tuning.output.image_push_secret or "",
        **_output_env(tuning.output),
        "KAITO_INSECURE_REGISTRIES": ",".join(settings.insecure_registries),
        "KAITO_ALLOW_PRIVATE_DATA_HOSTS": str(settings.allow_private_data_hosts).lower(),
        "KAITO_MAX_DATA_BYTES": str(settings.max_data_bytes),
        "KAITO_GRPC_PORT": str(GRPC_PORT),
        "KAITO_METRICS_PORT": str(METRICS_PORT),
        "DEFAULT_TARGET_MODULES": ",".join(need.target_modules if need else ()),
        **pod.spread.env(pod.owner.name, headless_name(pod.owner)),
    }


def _parameters(preset: Preset) -> int | None:
    """The number of parameters of a model with 16-bit weights; None for quantized ones."""
    if preset.quantization is not None:
        return None
    return round(preset.weights_gib * 2**30 / 2)


def data_files(source: DataSource) -> Files:
    """The data directory, filled by the fetcher or mounted from an image or a volume."""
    mount: dict[str, Any] = {"name": "data", "mountPath": "/mnt/data"}
    if source.image:
        return Files(
            (image_volume("data", source.image),),
            ({**mount, "subPath": DATA_SUBPATH, "readOnly": True},),
        )
    if source.volume_source is not None:
        return Files(({"name": "data", **source.volume_source},), ({**mount, "readOnly": True},))
    return Files((empty_dir("data"),), (mount,))


def _tracking(tuning: Tuning) -> Manifest:
    """The variables of the trackers. Those of the container take precedence."""
    if not tuning.tracking_secret:
        return {}
    return {"envFrom": [{"secretRef": {"name": tuning.tracking_secret}}]}


def _output(destination: DataDestination, results_claim: str) -> Files:
    """The volume of the results, and what only the pusher mounts."""
    if destination.volume_source is not None:
        return Files(({"name": "results", **destination.volume_source},))
    access = push_access(destination)
    results = empty_dir("results")
    if results_claim:
        results = {"name": "results", "persistentVolumeClaim": {"claimName": results_claim}}
    return Files((results, *access.volumes), access.mounts)


def push_access(destination: DataDestination) -> Files:
    """Secrets and CA of the push, and their mounts; nothing where the adapter goes to a volume."""
    sources: dict[str, Manifest] = {}
    if destination.image_push_secret:
        sources[PUSH_SECRET_PATH] = _secret(destination.image_push_secret)
    if destination.signing_secret:
        sources[_SIGNING_SECRET_PATH] = _secret(destination.signing_secret)
    if destination.ca_config_map:
        # Without it, the tuner says what is missing, and sees it once it is there.
        config_map = {"name": destination.ca_config_map, "optional": True}
        sources[_CA_PATH] = {"configMap": config_map}
    names = {path: path.rpartition("/")[2] for path in sources}
    return Files(
        tuple({"name": names[path], **source} for path, source in sources.items()),
        tuple({"name": names[path], "mountPath": path, "readOnly": True} for path in sources),
    )


def _secret(name: str) -> Manifest:
    """Readable for the group of the pod (fsGroup), and for nobody else."""
    return {"secret": {"secretName": name, "defaultMode": 0o440}}


def _output_env(destination: DataDestination) -> dict[str, str]:
    """What only some runs set: a variable that is not there changes no pod."""
    env = {}
    if destination.signing_secret:
        env["KAITO_SIGNING_SECRET_NAME"] = destination.signing_secret
        env["KAITO_SIGNING_SECRET_DIR"] = _SIGNING_SECRET_PATH
    if destination.ca_config_map:
        env["KAITO_REGISTRY_CA_FILE"] = f"{_CA_PATH}/ca.crt"
        env["KAITO_REGISTRY_CA_NAME"] = destination.ca_config_map
    if destination.overwrite:
        env["KAITO_OVERWRITE_IMAGE"] = "true"
    return env
