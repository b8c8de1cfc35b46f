"""Where the files of a model come from."""

from typing import Any

import pytest

from tests.workspace_controller.given import (
    PRESET,
    inference_workspace,
    observation,
    settings,
    stored,
)
from workspace_controller.observed import Observed
from workspace_controller.plan.model_source import model_source
from workspace_controller.plan.spec import preset_ref
from workspace_controller.settings import ModelDelivery

IMAGE = f"registry.local/presets/kaito-{PRESET}:0.0.1"


def seen(preset: dict[str, Any], how: ModelDelivery = ModelDelivery.IMAGE_VOLUME) -> Observed:
    manifest = inference_workspace(inference={"preset": preset})
    return observation(stored(manifest), settings=settings(model_delivery=how))


@pytest.mark.parametrize(
    ("preset", "how", "delivery", "image"),
    [
        ({"name": PRESET}, ModelDelivery.IMAGE_VOLUME, ModelDelivery.IMAGE_VOLUME, IMAGE),
        ({"name": PRESET}, ModelDelivery.INIT_COPY, ModelDelivery.INIT_COPY, IMAGE),
        ({"name": PRESET}, ModelDelivery.HUB, ModelDelivery.HUB, ""),
        ({"name": "phi-4"}, ModelDelivery.IMAGE_VOLUME, ModelDelivery.HUB, ""),
        (
            {"name": "phi-4", "accessMode": "private", "presetOptions": {"image": "mine:1"}},
            ModelDelivery.IMAGE_VOLUME,
            ModelDelivery.IMAGE_VOLUME,
            "mine:1",
        ),
    ],
    ids=["its image", "copied", "downloaded", "no image: downloaded", "your own image"],
)
def test_model_comes_from_image_or_hub(
    preset: dict[str, Any], how: ModelDelivery, delivery: ModelDelivery, image: str
) -> None:
    observed = seen(preset, how)
    assert observed.spec is not None
    ref = preset_ref(observed.spec)
    assert ref is not None
    source = model_source(observed, ref)
    assert source is not None
    assert (source.delivery, source.image) == (delivery, image)
    assert source.path == ("" if delivery is ModelDelivery.HUB else "/workspace/tfs/weights")


def test_unknown_preset_has_no_source() -> None:
    observed = seen({"name": "zzz"})
    assert observed.spec is not None
    ref = preset_ref(observed.spec)
    assert ref is not None and model_source(observed, ref) is None
