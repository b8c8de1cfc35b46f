"""Where the files of a model come from."""

from kaito_api.workspace import PresetRef
from workspace_controller.manifests.pods import ModelSource, NodeFolder
from workspace_controller.observed import Observed
from workspace_controller.plan.model_cache import node_folder
from workspace_controller.settings import ModelDelivery

# Where KAITO's model images hold the files, unless the preset says otherwise.
MODEL_DIRECTORY = "/workspace/tfs/weights"


def model_source(observed: Observed, ref: PresetRef) -> ModelSource | None:
    """The source of the preset's files; None for an unknown preset."""
    preset = observed.preset
    if preset is None:
        return None
    options, image, how = ref.preset_options, preset.image, delivery(observed, ref)
    if how is ModelDelivery.HUB:
        secret = options.model_access_secret or ""
        model = observed.hub_model
        revision = model.revision if model is not None else ""
        settings, namespace = observed.settings, observed.owner.namespace
        kept = node_folder(
            settings.model_cache, namespace, observed.namespace_labels, preset, revision
        )
        return ModelSource(
            delivery=how,
            preset=preset,
            access_secret=secret,
            revision=revision,
            hub_endpoint=settings.hub_endpoint,
            cache=kept if isinstance(kept, NodeFolder) else None,
            uncached=kept if isinstance(kept, str) else "",
        )
    published = image.reference(observed.settings.preset_registry) if image else ""
    return ModelSource(
        delivery=how,
        preset=preset,
        image=options.image or published,
        path=image.model_path if image else MODEL_DIRECTORY,
        pull_secrets=tuple(options.image_pull_secrets),
    )


def delivery(observed: Observed, ref: PresetRef) -> ModelDelivery:
    """The configured delivery where the model has an image; otherwise a download from the hub."""
    preset = observed.preset
    has_image = ref.preset_options.image or (preset is not None and preset.image is not None)
    return observed.settings.model_delivery if has_image else ModelDelivery.HUB
