"""The presets as tables."""

from rich.console import RenderableType

from kubectl_kaito.models.view import PresetDetail, PresetList, SizeView
from kubectl_kaito.terminal import columns, fields, text
from kubectl_kaito.words import dollars, gib


def list_table(view: PresetList) -> list[RenderableType]:
    headings = ["NAME", "WEIGHTS", "CONTEXT", "TUNING", "GATED", "LICENSE", "SMALLEST", "$/H"]
    rows = [
        (
            preset.name,
            gib(preset.weights_gib),
            preset.token_limit,
            ",".join(preset.tuning_methods),
            "yes" if preset.gated else "no",
            preset.license,
            _named(preset.smallest),
            dollars(preset.smallest.price_per_hour) if preset.smallest else None,
        )
        for preset in view.presets
    ]
    return [columns(headings, rows)]


def detail_table(view: PresetDetail) -> list[RenderableType]:
    preset = view.preset
    parts: list[RenderableType] = [
        fields(
            [
                ("Name", preset.name),
                ("Aliases", ", ".join(view.aliases)),
                ("Hugging Face", preset.hugging_face_id),
                ("License", preset.license),
                ("Gated", "yes, it needs a token" if preset.gated else "no"),
                ("Weights", gib(preset.weights_gib)),
                ("Context", f"{preset.token_limit} tokens"),
                ("Architecture", view.architecture),
                ("Image", view.image),
                ("Disk", gib(view.disk_gib)),
            ]
        ),
        *_section("Serves on", view.serving),
    ]
    for method, sizes in view.tuning.items():
        parts += _section(f"Tunes with {method} on", sizes)
    if not view.tuning:
        parts += [text(""), text("It cannot be tuned.")]
    return parts


def _section(title: str, sizes: list[SizeView]) -> list[RenderableType]:
    if not sizes:
        return [text(""), text(f"{title}: no single node of the catalog")]
    rows = [(s.instance_type, s.gpus, s.nodes, dollars(s.price_per_hour)) for s in sizes]
    return [text(""), text(f"{title}:"), columns(["INSTANCE", "GPUS", "NODES", "$/H"], rows)]


def _named(size: SizeView | None) -> str | None:
    if size is None:
        return None
    return size.instance_type if size.nodes == 1 else f"{size.nodes} x {size.instance_type}"
