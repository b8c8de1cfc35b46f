"""Where a preset's files come from."""

from kaito_api.workspace import PresetRef
from workspace_controller.manifests.pods import ModelSource
from workspace_controller.observed import Observed
from workspace_controller.settings import ModelDelivery

# Where images of models hold them, unless the preset says otherwise.
MODEL_DIRECTORY = "/workspace/tfs/weights"


def model_source(observed: Observed, ref: PresetRef) -> ModelSource | None:
    """None for a preset that is not known."""
    if observed.preset is None:
        return None
    options, image, how = ref.preset_options, observed.preset.image, delivery(observed, ref)
    secret = options.model_access_secret or ""
    if how is ModelDelivery.HUB:
        return ModelSource(delivery=how, preset=observed.preset, access_secret=secret)
    reference = options.image or (
        image.reference(observed.settings.preset_registry) if image else ""
    )
    return ModelSource(
        delivery=how,
        preset=observed.preset,
        image=reference,
        path=image.model_path if image else MODEL_DIRECTORY,
        pull_secrets=tuple(options.image_pull_secrets),
    )


def delivery(observed: Observed, ref: PresetRef) -> ModelDelivery:
    """An image where there is one, else the hub."""
    has_image = ref.preset_options.image or (
        observed.preset is not None and observed.preset.image is not None
    )
    return observed.settings.model_delivery if has_image else ModelDelivery.HUB
