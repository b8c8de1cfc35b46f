"""Reads a Workspace's spec: what the user requests, and which objects it refers to."""

from dataclasses import dataclass

from pydantic import ValidationError

from kaito_api import labels
from kaito_api.workspace import DataSource, PresetRef, WorkspaceSpec, parse
from kaito_kube.kinds import Manifest
from workspace_controller.manifests.tuning_job import CONFIG_KEY
from workspace_controller.observed import Observed

INFERENCE_CONFIG_KEY = "inference_config.yaml"
ACCESS_SECRET_FIELD = "tuning.input.accessSecret"
TRACKING_SECRET_FIELD = "tuning.trackingSecret"
# Any of these enables an experiment tracker of the tuner.
TRACKING_VARIABLES = frozenset(
    {"TENSORBOARD_LOGGING_DIR", "MLFLOW_TRACKING_URI", "WANDB_API_KEY", "WANDB_MODE"}
)


@dataclass(frozen=True, slots=True)
class ConfigRef:
    """A key of a ConfigMap."""

    namespace: str
    config_map: str
    key: str


def parse_spec(workspace: Manifest) -> tuple[WorkspaceSpec | None, str]:
    """The spec and an empty string, or None and what is wrong with it, field by field."""
    try:
        return parse(workspace), ""
    except ValidationError as error:
        return None, validation_text(error)


def validation_text(error: ValidationError) -> str:
    """Each field that does not match the schema, and why."""
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())


def preset_ref(spec: WorkspaceSpec) -> PresetRef | None:
    """The preset to tune or to serve; None for a Workspace with its own pod template."""
    if spec.tuning is not None:
        return spec.tuning.preset
    return spec.inference.preset if spec.inference is not None else None


def serves_tuned_model(observed: Observed) -> bool:
    """Whether a tuning Workspace serves its model afterwards. Only the annotation says no."""
    return observed.annotations.get(labels.SERVE_TUNED_MODEL, "").casefold() != "false"


def selector_labels(spec: WorkspaceSpec) -> dict[str, str]:
    """The labels of resource.labelSelector, without those that the controller sets itself."""
    selected = spec.resource.label_selector.labels()
    return {k: v for k, v in selected.items() if k not in labels.RESERVED_SELECTOR_KEYS}


def config_ref(
    spec: WorkspaceSpec, namespace: str, release_namespace: str, *, with_default: bool = True
) -> ConfigRef | None:
    """The configuration of the run or of the engine; None where there is none to read.

    A tuning Workspace without one gets the release's default for its method, unless
    `with_default` is False.
    """
    if spec.tuning is not None:
        if spec.tuning.config:
            return ConfigRef(namespace, spec.tuning.config, CONFIG_KEY)
        template = f"{spec.tuning.method}-params-template"
        return ConfigRef(release_namespace, template, CONFIG_KEY) if with_default else None
    if spec.inference is not None and spec.inference.config:
        return ConfigRef(namespace, spec.inference.config, INFERENCE_CONFIG_KEY)
    return None


def referenced_secrets(spec: WorkspaceSpec, pushes: bool = True) -> dict[str, str]:
    """The Secrets that must exist before anything is created: field → name.

    `pushes` is False once the adapter is pushed: the Secrets of the run are not needed any longer.
    """
    secrets: dict[str, str] = {}
    ref = preset_ref(spec)
    if ref is not None:
        part = "tuning.preset" if spec.tuning is not None else "inference.preset"
        secrets |= _preset_secrets(f"{part}.presetOptions", ref)
    if spec.tuning is not None and pushes:
        secrets |= _input_secrets(spec.tuning.input)
        if spec.tuning.tracking_secret:
            secrets[TRACKING_SECRET_FIELD] = spec.tuning.tracking_secret
    if spec.tuning is not None and spec.tuning.output.image_push_secret and pushes:
        secrets["tuning.output.imagePushSecret"] = spec.tuning.output.image_push_secret
    if spec.tuning is not None and spec.tuning.output.signing_secret and pushes:
        secrets["tuning.output.signingSecret"] = spec.tuning.output.signing_secret
    if spec.inference is not None:
        for index, adapter in enumerate(spec.inference.adapters):
            field = f"inference.adapters[{index}].source.imagePullSecrets"
            secrets |= {f"{field}[{i}]": n for i, n in enumerate(adapter.source.image_pull_secrets)}
    return secrets


def referenced_volume_claims(spec: WorkspaceSpec, pushes: bool = True) -> dict[str, str]:
    """The PersistentVolumeClaims that must exist before anything is created: field → name.

    `pushes` is False once the adapter is written: the run's data is not needed any longer.
    """
    volumes: dict[str, object] = {}
    if spec.tuning is not None:
        if pushes:
            volumes["tuning.input.volumeSource"] = spec.tuning.input.volume_source
        volumes["tuning.output.volumeSource"] = spec.tuning.output.volume_source
    if spec.inference is not None:
        for index, adapter in enumerate(spec.inference.adapters):
            field = f"inference.adapters[{index}].source.volumeSource"
            volumes[field] = adapter.source.volume_source
        for index, volume in enumerate(_template_volumes(spec.inference.template)):
            volumes[f"inference.template.spec.volumes[{index}]"] = volume
    names = {field: _claim_name(volume) for field, volume in volumes.items()}
    return {field: name for field, name in names.items() if name}


def required_key(field: str) -> str:
    """The key that the Secret which `field` refers to must have. The access secret has several
    forms, which `kaito_training.data_access` knows."""
    if field.endswith("signingSecret"):
        return "cosign.key"
    return "HF_TOKEN" if field.endswith("modelAccessSecret") else ".dockerconfigjson"


def _template_volumes(template: Manifest | None) -> list[object]:
    spec = (template or {}).get("spec")
    volumes = spec.get("volumes") if isinstance(spec, dict) else None
    return volumes if isinstance(volumes, list) else []


def _claim_name(volume: object) -> str:
    """The claim's name; empty for another kind of volume, and for what is no volume at all."""
    claim = volume.get("persistentVolumeClaim") if isinstance(volume, dict) else None
    name = claim.get("claimName") if isinstance(claim, dict) else None
    return name if isinstance(name, str) else ""


def _input_secrets(source: DataSource) -> dict[str, str]:
    secrets = {
        f"tuning.input.imagePullSecrets[{i}]": n for i, n in enumerate(source.image_pull_secrets)
    }
    if source.access_secret:
        secrets[ACCESS_SECRET_FIELD] = source.access_secret
    return secrets


def _preset_secrets(field: str, ref: PresetRef) -> dict[str, str]:
    options = ref.preset_options
    secrets = {
        f"{field}.imagePullSecrets[{i}]": n for i, n in enumerate(options.image_pull_secrets)
    }
    if options.model_access_secret:
        secrets[f"{field}.modelAccessSecret"] = options.model_access_secret
    return secrets
