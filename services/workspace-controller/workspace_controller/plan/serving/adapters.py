"""The adapters that are served with a model."""

from kaito_api.workspace import Adapter, Tuning
from workspace_controller.manifests.model_pod import ServedAdapter
from workspace_controller.observed import Observed

# Where the trainer writes the adapter in a results volume.
_RESULTS_SUBPATH = "adapter"


def listed_adapters(adapters: list[Adapter]) -> tuple[ServedAdapter, ...]:
    """The adapters in inference.adapters."""
    return tuple(
        ServedAdapter(
            name=adapter.source.name or "",
            strength=_strength(adapter.strength),
            image=adapter.source.image or "",
            volume=adapter.source.volume_source,
            subpath="data" if adapter.source.image else "",
            pull_secrets=tuple(adapter.source.image_pull_secrets),
        )
        for adapter in adapters
        if adapter.source.name
    )


def own_adapter(observed: Observed, tuning: Tuning, reference: str) -> ServedAdapter:
    """The adapter that the Workspace itself has tuned, under the Workspace's name."""
    name, output = observed.owner.name, tuning.output
    if output.volume_source is not None:
        return ServedAdapter(name=name, volume=output.volume_source, subpath=_RESULTS_SUBPATH)
    # The secret that pushed the image also pulls it.
    secret = (output.image_push_secret,) if output.image_push_secret else ()
    return ServedAdapter(name=name, image=reference, pull_secrets=secret)


def _strength(text: str) -> float:
    """A number from 0 to 1, which the CRD enforces; anything else counts as 1."""
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 1.0
