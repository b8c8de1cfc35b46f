"""The page of presets: the models of the catalog, and the cheapest Azure size for each."""

from kaito_presets import catalog
from kaito_presets.estimate import DEFAULT_CONTEXT_TOKENS, Estimate
from kaito_presets.fit import Fit, inference_fit, tuning_fit
from kaito_presets.preset import Preset, TuningMethod
from kaito_skus import catalog as skus
from kaito_skus.sku import Cloud, Sku
from tools.docgen.markdown import code, codes, page, prose, table

_INTRODUCTION = prose(
    "Set `inference.preset.name` or `tuning.preset.name` to a name, an alias or the Hugging Face "
    "ID, in any case. *Weights* is the published size in GiB, *Context* the longest context in "
    "tokens. Presets with *Access* private need an image with the model in `presetOptions.image`; "
    "gated models need `presetOptions.modelAccessSecret` when they are downloaded from Hugging "
    "Face."
)
_SIZES = prose(
    "For each model, this table shows the Azure size that needs the fewest nodes, and of those the "
    f"cheapest by list price, for a context of {DEFAULT_CONTEXT_TOKENS} tokens. The controller "
    "uses the same estimate. Models that need several nodes are listed whether or not the "
    "installed engine can span nodes."
)
_NONE = "no"


def text() -> str:
    presets = catalog.load().presets
    sizes = skus.load().on(Cloud.AZURE).fitting()
    tunable = [preset for preset in presets if preset.tunable]
    return page(
        "Presets",
        _INTRODUCTION,
        f"{len(presets)} models; {len(tunable)} can be tuned.",
        table(
            ("Name", "Aliases", "Access", "License", "Weights", "Context", "Tuning"),
            map(_facts, presets),
        ),
        "## Azure sizes",
        _SIZES,
        table(
            ("Name", "Serve on", *(f"Tune with {method}" for method in TuningMethod)),
            (_needs(preset, sizes) for preset in presets),
        ),
    )


def _facts(preset: Preset) -> tuple[str, ...]:
    return (
        code(preset.name),
        codes((*preset.aliases, preset.hf_id)),
        f"{preset.access}, gated" if preset.gated else preset.access,
        preset.license,
        f"{preset.weights_gib:g}",
        f"{preset.token_limit}",
        ", ".join(preset.tuning.methods) if preset.tuning else _NONE,
    )


def _needs(preset: Preset, sizes: tuple[Sku, ...]) -> tuple[str, ...]:
    tuning = (_tuning_size(preset, method, sizes) for method in TuningMethod)
    return (code(preset.name), _serving_size(preset, sizes), *tuning)


def _serving_size(preset: Preset, sizes: tuple[Sku, ...]) -> str:
    verdicts = ((inference_fit(preset, sku.gpus), sku) for sku in sizes)
    fitting = [
        (verdict.nodes, sku.price_rank, sku)
        for verdict, sku in verdicts
        if isinstance(verdict, Estimate)
    ]
    if not fitting:
        return _NONE
    nodes, _, sku = min(fitting, key=lambda found: found[:2])
    return code(sku.name) if nodes == 1 else f"{nodes} × {code(sku.name)}"


def _tuning_size(preset: Preset, method: TuningMethod, sizes: tuple[Sku, ...]) -> str:
    """The first, and so the cheapest, size that fits."""
    fitting = (sku for sku in sizes if isinstance(tuning_fit(preset, method, sku.gpus), Fit))
    found = next(fitting, None)
    return code(found.name) if found else _NONE
