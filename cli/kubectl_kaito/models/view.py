"""What there is to say about presets. Pure."""

from collections.abc import Iterable

from pydantic import Field

from kaito_api.workspace import WorkspaceSpec, parse
from kaito_presets.preset import Preset, TuningMethod
from kaito_skus.sku import Sku
from kubectl_kaito.offers import Demand, Offer, node_prices, offers
from kubectl_kaito.output import View
from kubectl_kaito.workspace_manifest import TuningRequest, workspace

# How many instance types the details of a model show.
_SHOWN = 8


class SizeView(View):
    """An instance type on which the model fits."""

    instance_type: str = Field(description="The cloud's name of the instance type.")
    gpus: str = Field(description="The GPUs of one node.")
    nodes: int = Field(description="How many nodes the model needs.")
    price_per_hour: float | None = Field(description="Recorded price of all nodes; null: unknown.")


class PresetView(View):
    name: str
    hugging_face_id: str
    license: str
    gated: bool = Field(description="Whether Hugging Face requires a token.")
    weights_gib: float
    token_limit: int = Field(description="The longest context that the model supports.")
    tuning_methods: list[str] = Field(description="Empty where it can only be served.")
    smallest: SizeView | None = Field(description="The cheapest instance type that serves it.")


class PresetList(View):
    presets: list[PresetView]


class PresetDetail(View):
    preset: PresetView
    aliases: list[str]
    architecture: str
    image: str | None = Field(description="The image with the model's files; null: there is none.")
    disk_gib: int
    serving: list[SizeView] = Field(description="Instance types that serve it, cheapest first.")
    tuning: dict[str, list[SizeView]] = Field(description="Those that tune it, by method.")


def preset_list(presets: Iterable[Preset], skus: Iterable[Sku]) -> PresetList:
    known = tuple(skus)
    return PresetList(presets=[_preset(preset, known) for preset in presets])


def preset_detail(preset: Preset, skus: Iterable[Sku]) -> PresetDetail:
    known = tuple(skus)
    methods = preset.tuning.methods if preset.tuning is not None else ()
    return PresetDetail(
        preset=_preset(preset, known),
        aliases=list(preset.aliases),
        architecture=preset.architecture,
        image=f"{preset.image.name}:{preset.image.tag}" if preset.image is not None else None,
        disk_gib=preset.disk_gib,
        serving=_sizes(preset, known, None)[:_SHOWN],
        tuning={method.value: _sizes(preset, known, method)[:_SHOWN] for method in methods},
    )


def _preset(preset: Preset, skus: tuple[Sku, ...]) -> PresetView:
    return PresetView(
        name=preset.name,
        hugging_face_id=preset.hf_id,
        license=preset.license,
        gated=preset.gated,
        weights_gib=preset.weights_gib,
        token_limit=preset.token_limit,
        tuning_methods=[m.value for m in preset.tuning.methods] if preset.tuning else [],
        smallest=next(iter(_sizes(preset, skus, None)), None),
    )


def _sizes(preset: Preset, skus: tuple[Sku, ...], method: TuningMethod | None) -> list[SizeView]:
    found, _ = offers(Demand(spec=_spec(preset, method), preset=preset), skus, node_prices(skus))
    return [_size(offer) for offer in found]


def _spec(preset: Preset, method: TuningMethod | None) -> WorkspaceSpec:
    tuning = (
        TuningRequest(data="https://data.example/file", output_image="r.example/a:1", method=method)
        if method is not None
        else None
    )
    return parse(workspace("any", preset.name, None, tuning=tuning))


def _size(offer: Offer) -> SizeView:
    return SizeView(
        instance_type=offer.sku.name,
        gpus=str(offer.sku.gpus),
        nodes=offer.nodes,
        price_per_hour=offer.price,
    )
