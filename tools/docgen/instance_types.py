"""The page of instance types: what each cloud's GPU sizes offer."""

from kaito_skus import catalog
from kaito_skus.sku import Cloud, Sku
from tools.docgen.markdown import code, codes, page, table

_INTRODUCTION = (
    "`resource.instanceType` takes these names, in any case. Memory is GiB, of one GPU and of the "
    "machine; prices are approximate list prices in US dollars an hour, for comparison only. A "
    "model runs on NVIDIA's GPUs with CUDA capability 7.0 or newer; the others are listed so that "
    "a refusal can say why. A type that is not listed is taken when the Workspace carries the "
    "annotation `kaito.sh/bypass-resource-checks`."
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
