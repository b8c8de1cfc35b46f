"""Decides which shape the rows of a file have."""

from collections.abc import Iterator, Sequence

from kaito_training.sections import DatasetConfig
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.rows.row import Row
from tuner.shapes.answer_pair_detection import KNOWN, find_answer_pairs
from tuner.shapes.choice import describe_choice
from tuner.shapes.explicit import find_explicit
from tuner.shapes.found_shape import FoundShape
from tuner.shapes.function_calls import find_function_calls
from tuner.shapes.message_tree import find_message_tree
from tuner.shapes.messages import find_broken_messages, find_messages, find_only_conversation
from tuner.shapes.multiple_choice import find_multiple_choice
from tuner.shapes.openai_preference import find_openai_preference
from tuner.shapes.pairs.pair_detection import find_pair, find_summary
from tuner.shapes.plain_text import TextShape, find_text
from tuner.shapes.preference import find_preference
from tuner.shapes.reference_answers import find_reference_answers
from tuner.shapes.refused import find_refusal
from tuner.shapes.shape import Shape
from tuner.shapes.values.columns import Columns


def find_shape(name: str, sample: Sequence[Row], config: DatasetConfig) -> FoundShape:
    """The shape of the file `name`, of which `sample` holds the first rows.

    Raises:
        RunError: DATA_EMPTY, DATA_COLUMN_MISSING.
    """
    if not sample:
        raise RunError(
            Reason.DATA_EMPTY,
            f"data file {name} has no rows; provide a file with training examples",
        )
    columns = Columns(sample)
    if config.preferences:
        return _find_answer_pairs(name, columns, config)
    explicit = find_explicit(name, columns, config)
    shapes = [explicit] if explicit is not None else list(shapes_that_fit(columns, config))
    refusal = find_refusal(columns) if explicit is None else None
    if refusal is not None and not _is_specific(shapes):
        raise RunError(Reason.DATA_COLUMN_MISSING, f"data file {name} {refusal}")
    if not shapes:
        raise _column_missing(name, columns)
    return FoundShape(shapes[0], describe_choice(name, shapes, columns, config))


def _find_answer_pairs(name: str, columns: Columns, config: DatasetConfig) -> FoundShape:
    shapes = list(find_answer_pairs(columns, config))
    if not shapes:
        raise RunError(
            Reason.DATA_COLUMN_MISSING,
            f"data file {name} has no columns {KNOWN}; it has: "
            f"{', '.join(map(str, columns.names)) or 'none'}; tuning.method dpo learns from pairs "
            "of answers: rename the columns, or use method lora or qlora for this data",
        )
    return FoundShape(shapes[0], describe_choice(name, shapes[:1], columns, config))


def shapes_that_fit(columns: Columns, config: DatasetConfig) -> Iterator[Shape]:
    """The shapes that a file with these columns has, the best first."""
    yield from find_messages(columns, config)
    yield from find_openai_preference(columns, config)
    yield from find_preference(columns, config)
    yield from find_message_tree(columns, config)
    yield from find_function_calls(columns, config)
    yield from find_multiple_choice(columns, config)
    yield from find_pair(columns, config)
    yield from find_reference_answers(columns, config)
    yield from find_summary(columns, config)
    yield from find_only_conversation(columns, config)
    yield from find_text(columns, "text")
    yield from find_broken_messages(columns, config)
    yield from find_text(columns, "content")


def _is_specific(shapes: Sequence[Shape]) -> bool:
    """True if the best of `shapes` is more than a text that any file may have."""
    return bool(shapes) and not isinstance(shapes[0], TextShape)


def _column_missing(name: str, columns: Columns) -> RunError:
    return RunError(
        Reason.DATA_COLUMN_MISSING,
        f"data file {name} has no columns of a known shape, such as messages, or prompt and "
        f"completion, or text; it has: {', '.join(map(str, columns.names)) or 'none'}; rename a "
        "column, or name yours in DatasetConfig (messages_column, or context_column and "
        "response_column, or prompt_template and response_template) of training_config.yaml",
    )
