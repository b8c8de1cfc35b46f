"""Renders the model card. The same training gives the same bytes, so no time is in it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kaito_training.data_urls import redact_url
from kaito_training.sections import DPO, TrainingConfig
from tuner.data_report.markdown import escape, render_markdown
from tuner.data_report.report import DataReport
from tuner.model_card.front_matter import front_matter
from tuner.model_card.hyperparameters import hyperparameters
from tuner.results import LOSS_CURVE
from tuner.summary import TrainingSummary
from tuner.training_defaults import max_length


@dataclass(frozen=True, slots=True, kw_only=True)
class CardInputs:
    """What a card is made of.

    `hub_id` is the base model's name on the hub and `license` its license, "" if unknown;
    `adapter_config` is PEFT's.
    """

    summary: TrainingSummary
    config: TrainingConfig
    adapter_config: Mapping[str, Any] = field(default_factory=dict)
    hub_id: str = ""
    license: str = ""
    urls: Sequence[str] = ()
    report: DataReport | None = None
    has_loss_curve: bool = False


def render_card(inputs: CardInputs) -> str:
    """The card as Markdown with its YAML header.

    It quotes nothing of the data: an image is often shared with more people than its data.
    """
    summary = inputs.summary
    header = front_matter(
        summary.base_model, inputs.hub_id, summary.method, inputs.urls, inputs.license
    )
    return header + "\n" + "\n\n".join(_blocks(inputs)) + "\n"


def _blocks(inputs: CardInputs) -> Iterator[str]:
    summary = inputs.summary
    base = f"[{inputs.hub_id}](https://huggingface.co/{inputs.hub_id})" if inputs.hub_id else ""
    yield f"# {escape(summary.base_model)} {summary.method} adapter"
    learning = "supervised fine-tuning"
    if summary.method == DPO:
        learning = "direct preference optimization (DPO) on pairs of answers"
    adapted = base or escape(summary.base_model)
    yield f"A LoRA adapter for {adapted}, trained by KAITO with {learning}."
    yield "## Use"
    yield "\n".join(_usage(inputs))
    yield "## Training"
    yield _labeled_values(_results(summary))
    if inputs.has_loss_curve:
        yield f"![Loss over the steps]({LOSS_CURVE})"
    yield "### Hyperparameters"
    limit = _max_length(inputs)
    yield _labeled_values(
        hyperparameters(inputs.config, inputs.adapter_config, limit, inputs.summary.plan)
    )
    yield "## Data"
    yield _labeled_values(_data(inputs))
    if inputs.report is not None:
        yield render_markdown(inputs.report, with_content=False).strip()
    if summary.versions:
        yield "## Versions"
        yield _labeled_values(sorted(summary.versions.items()))


def _max_length(inputs: CardInputs) -> int | None:
    if inputs.report is not None:
        return inputs.report.lengths.max_length
    return max_length(inputs.config.training, None)


def _usage(inputs: CardInputs) -> Iterator[str]:
    base = inputs.hub_id or inputs.summary.base_model
    yield "```python"
    yield "from peft import PeftModel"
    yield "from transformers import AutoModelForCausalLM"
    yield ""
    yield f"base = AutoModelForCausalLM.from_pretrained({base!r})"
    yield 'model = PeftModel.from_pretrained(base, "PATH_OF_THIS_FOLDER")'
    yield "```"


def _results(summary: TrainingSummary) -> Iterator[tuple[str, str]]:
    yield "steps", f"{summary.steps:,}"
    yield "epochs", f"{summary.epochs:g}"
    yield "tokens seen", f"{summary.tokens:,}"
    if summary.loss is not None:
        yield "loss, mean of the last steps", f"{summary.loss:.4g}"
    if summary.eval_loss is not None:
        yield "loss on the rows held back", f"{summary.eval_loss:.4g}"


def _data(inputs: CardInputs) -> Iterator[tuple[str, str]]:
    for url in inputs.urls:
        yield "source", redact_url(url)
    yield "digest", inputs.summary.dataset_digest
    yield "rows", f"{inputs.summary.dataset_rows:,}"


def _labeled_values(values: Iterator[tuple[str, str]] | Sequence[tuple[str, str]]) -> str:
    return "\n".join(f"- **{escape(label)}**: {escape(value)}" for label, value in values)
