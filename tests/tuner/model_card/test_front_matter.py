"""The YAML header, as hubs read it."""

import pytest
import yaml

from tuner.model_card.front_matter import front_matter, hub_datasets


def test_header_is_what_hubs_expect() -> None:
    text = front_matter("phi-3-mini", "microsoft/Phi-3-mini-4k-instruct", "qlora", ())
    assert text.startswith("---\n") and text.endswith("---\n")
    assert yaml.safe_load(text.strip().strip("-")) == {
        "base_model": "microsoft/Phi-3-mini-4k-instruct",
        "library_name": "peft",
        "pipeline_tag": "text-generation",
        "tags": [
            "base_model:adapter:microsoft/Phi-3-mini-4k-instruct",
            "kaito",
            "lora",
            "qlora",
            "sft",
        ],
    }


def test_library_of_the_hub_reads_the_header() -> None:
    hub = pytest.importorskip("huggingface_hub")
    urls = ("https://huggingface.co/datasets/a/b/resolve/main/x.parquet",)
    card = hub.ModelCard(front_matter("phi", "", "lora", urls, "mit") + "\n# Title\n")
    assert card.data.license == "mit"
    assert card.data.base_model == "phi"
    assert card.data.library_name == "peft"
    assert card.data.datasets == ["a/b"]


@pytest.mark.parametrize(
    ("url", "names"),
    [
        (
            "https://huggingface.co/datasets/tatsu-lab/alpaca/resolve/main/d.parquet",
            ["tatsu-lab/alpaca"],
        ),
        ("hf://datasets/tatsu-lab/alpaca/data/train.parquet", ["tatsu-lab/alpaca"]),
        ("hf://datasets/tatsu-lab/alpaca@main/data/train.parquet", ["tatsu-lab/alpaca"]),
        ("https://huggingface.co/microsoft/phi/resolve/main/x", []),
        ("https://evil.example/datasets/a/b", []),
        ("https://example.com/d.parquet?token=s3cret", []),
        ("s3://bucket/datasets/a/b", []),
    ],
)
def test_only_datasets_of_the_hub_are_named(url: str, names: list[str]) -> None:
    assert hub_datasets([url, url]) == names
