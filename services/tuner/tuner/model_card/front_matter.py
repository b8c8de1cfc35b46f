"""The card's YAML header, by which hubs and libraries find base model and task."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

import yaml

from kaito_training.sections import DPO

# "owner/name" of a dataset on the Hugging Face hub, in the forms of addresses that have it.
_HUB_DATASET = re.compile(r"^/?datasets/([\w.-]+/[\w.-]+)")


def front_matter(
    base_model: str, hub_id: str, method: str, urls: Iterable[str], license_: str = ""
) -> str:
    """The header with its marks. `hub_id` is the base model's name on the hub, and `license_` the
    hub's name of its license; both are "" if unknown.
    """
    # The hub's word for what is neither: TRL's trainer.
    trainer = method if method == DPO else "sft"
    data: dict[str, object] = {
        "base_model": hub_id or base_model,
        "library_name": "peft",
        "pipeline_tag": "text-generation",
        "tags": sorted(
            {"lora", method, trainer, "kaito", f"base_model:adapter:{hub_id or base_model}"}
        ),
    }
    # An adapter is of use with its base model only, whose license therefore applies.
    if license_:
        data["license"] = license_
    # Hubs accept names of datasets on the hub only.
    if datasets := hub_datasets(urls):
        data["datasets"] = datasets
    return f"---\n{yaml.safe_dump(data, sort_keys=True, allow_unicode=True)}---\n"


def hub_datasets(urls: Iterable[str]) -> list[str]:
    """The datasets of the hub among `urls`, "owner/name", without repetition."""
    return sorted({name for url in urls if (name := _hub_dataset(url)) is not None})


def _hub_dataset(url: str) -> str | None:
    parts = urlsplit(url)
    if parts.scheme == "hf":
        path = f"{parts.netloc}{parts.path}"
    elif parts.hostname == "huggingface.co":
        path = parts.path
    else:
        return None
    match = _HUB_DATASET.match(path.partition("@")[0])
    return match.group(1) if match else None
