"""Builds the report from what was found, the configuration and the hardware. Pure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from kaito_training.sections import Options, TrainingConfig
from tuner.data_report.cost import Hardware, estimate_cost
from tuner.data_report.findings import Findings
from tuner.data_report.length_distribution import LengthDistribution, distribution
from tuner.data_report.report import DataReport, FileReport, Lengths, RowReport
from tuner.data_report.training_plan import plan_training
from tuner.errors import RunError


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFile:
    """A data file on disk: its name in reports, its format in words, its bytes."""

    name: str
    format: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What a report says besides the data. None is unknown; `model_limit` is in tokens."""

    config: TrainingConfig
    hardware: Hardware
    parameters: int | None = None
    model_limit: int | None = None


def build_report(
    files: Sequence[ReportFile], found: Findings, context: RunContext, problem: RunError | None
) -> DataReport:
    """The report on `files`. With a `problem`, they cannot be trained on."""
    lengths = distribution(found.lengths)
    tokens = _training_tokens(lengths, found)
    options = context.config.training
    preferences = context.config.dataset.preferences
    plan = plan_training(
        options,
        examples=found.train,
        held_back=found.held_back,
        tokens=tokens,
        preferences=preferences,
    )
    return DataReport(
        files=tuple(_file(file, found) for file in files),
        rows=_rows(found, context.config.dataset.max_lost_rows),
        lengths=Lengths(
            exact=found.is_exact,
            examples=lengths,
            learned=found.learned,
            max_length=found.max_length,
            sufficient=found.sufficient,
            model_limit=context.model_limit,
        ),
        plan=plan,
        cost=estimate_cost(
            plan.tokens,
            context.parameters,
            context.hardware,
            checkpointing=_checkpoints(options),
            per_update=plan.batch_size * plan.accumulation,
            reference=preferences,
        ),
        samples=found.samples,
        problem=problem.message if problem else "",
        reason=problem.reason.value if problem else "",
    )


def _training_tokens(lengths: LengthDistribution | None, found: Findings) -> int:
    """The held-back examples are drawn at random, so they have their share of the tokens."""
    if lengths is None:
        return 0
    return round(lengths.total * found.train / max(found.train + found.held_back, 1))


def _checkpoints(options: Options) -> bool:
    """Whether activations may be computed twice: unless the user turns it off."""
    newer = options.get("activation_checkpointing")
    return bool(options.get("gradient_checkpointing", True) if newer is None else newer)


def _file(file: ReportFile, found: Findings) -> FileReport:
    # The rows of an archive's members are found under "ARCHIVE/MEMBER".
    names = [name for name in found.rows if name == file.name or name.startswith(f"{file.name}/")]
    shapes = dict.fromkeys(found.shapes[name] for name in names if name in found.shapes)
    return FileReport(
        name=file.name,
        format=file.format,
        shape=" and ".join(shapes),
        rows=sum(found.rows[name] for name in names),
        size=file.size,
        choices=tuple(
            choice for name in names if _says_more(choice := found.choices.get(name, ""))
        ),
    )


def _says_more(choice: str) -> bool:
    """Whether `choice` says more than the shape, which the table of the files shows."""
    return "; " in choice


def _rows(found: Findings, max_lost_rows: float) -> RowReport:
    losses = found.losses
    return RowReport(
        read=losses.rows,
        dropped=losses.dropped,
        cut=losses.cut,
        max_lost_rows=max_lost_rows,
        causes={cause.value: count for cause, count in losses.by_cause().items()},
        first_lost=tuple({**asdict(row), "cause": row.cause.value} for row in losses.first),
        duplicates=found.duplicates,
        notes={**found.notes, **({"blank, and not counted": losses.blank} if losses.blank else {})},
    )
