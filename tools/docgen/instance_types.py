"""The page of instance types: the GPU sizes of each cloud."""

from kaito_skus import catalog
from kaito_skus.sku import Cloud, Sku
from tools.docgen.markdown import code, codes, page, prose, table

_INTRODUCTION = prose(
    "Set `resource.instanceType` to one of these names, in any case. Memory is in GiB, per GPU and "
    "of the machine. Prices are approximate list prices in US dollars per hour, for comparison "
    "only. Models need NVIDIA GPUs with CUDA capability 7.0 or newer; the other types are listed "
    "so that the error can explain why they do not work. To use a type that is not listed, set "
    "the annotation `kaito.sh/bypass-resource-checks` on the Workspace."
)
_TITLES = {Cloud.AZURE: "Azure", Cloud.AWS: "AWS", Cloud.ARC: "Azure Arc"}


def text() -> str:
    sections = (_section(cloud, title) for cloud, title in _TITLES.items())
    return page("Instance types", _INTRODUCTION, *sections)


def _section(cloud: Cloud, title: str) -> str:
    header = ("Name", "GPUs", "GPU memory", "CUDA", "CPUs", "Memory", "Quota family", "Price")
    return f"## {title}\n\n{table(header, map(_row, catalog.load().on(cloud).skus))}"


def _row(sku: Sku) -> tuple[str, ...]:
    gpus = sku.gpus
    retired = f" (retired {sku.retired_on})" if sku.retired_on else ""
    return (
        codes((sku.name, *sku.aliases)) + retired,
        f"{gpus.count} × {gpus.model}",
        f"{gpus.memory_gib:g}",
        str(gpus.cuda_capability or ""),
        str(sku.vcpus),
        f"{sku.memory_gib:g}",
        code(sku.quota_family or ""),
        "" if sku.price_usd_hour is None else f"{sku.price_usd_hour:g}",
    )
