"""The dataset of the demo, and its copy for readers of the quickstart."""

import json

from tools.preset_models import dataset
from tools.venvs import ROOT

EXAMPLE = ROOT / "examples" / "fine-tuning" / "pirate.jsonl"


def test_the_example_is_the_demos_dataset_as_json_lines() -> None:
    found = [json.loads(line) for line in EXAMPLE.read_text().splitlines()]
    assert found == [{"messages": chat.messages()} for chat in dataset.rows()]
    assert not any(dataset.HELD_OUT in line for line in EXAMPLE.read_text().splitlines())
