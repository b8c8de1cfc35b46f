"""Leaves the card and the summary beside the adapter, from where they go into its image."""

import json
from dataclasses import asdict, replace
from pathlib import Path

from tuner.data_report.compact import compact
from tuner.model_card.card import CardInputs, render_card
from tuner.results import ADAPTER_CARD, ADAPTER_CONFIG, ADAPTER_SUMMARY, LOSS_CURVE

# What differs from run to run although inputs and adapter are the same.
_VOLATILE = ("fingerprint", "seconds", "finished_at")


def save_card(adapter: Path, inputs: CardInputs) -> None:
    """Write both files into the directory `adapter`, over those of an earlier attempt."""
    config = json.loads((adapter / ADAPTER_CONFIG).read_bytes())
    has_loss_curve = (adapter / LOSS_CURVE).is_file()
    card = render_card(replace(inputs, adapter_config=config, has_loss_curve=has_loss_curve))
    (adapter / ADAPTER_CARD).write_text(card, encoding="utf-8")
    (adapter / ADAPTER_SUMMARY).write_text(_summary(inputs), encoding="utf-8")


def _summary(inputs: CardInputs) -> str:
    document = asdict(inputs.summary)
    for key in _VOLATILE:
        del document[key]
    if inputs.report is not None:
        document["data"] = compact(inputs.report)
        # Details quote the data, which an image is not the place for.
        for row in document["data"]["lost"]:
            row.pop("detail", None)
    return json.dumps(document, indent=1, sort_keys=True) + "\n"
