"""Pairs of answers, of which one is preferred: what DPO learns from."""

from dataclasses import dataclass

from tuner.rows.record import Lesson, Preference
from tuner.rows.row import LossCause, Row, RowFault
from tuner.shapes.openai_preference import OpenAIPreferenceShape
from tuner.shapes.preference import PreferenceShape


@dataclass(frozen=True, slots=True)
class AnswerPairShape:
    """The model learns to prefer what `chosen` reads to what `rejected` reads of the same row."""

    chosen: PreferenceShape | OpenAIPreferenceShape
    rejected: PreferenceShape | OpenAIPreferenceShape

    @property
    def name(self) -> str:
        """The shape's name in reports."""
        return self.chosen.name

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return tuple(dict.fromkeys((*self.chosen.columns, *self.rejected.columns)))

    def to_record(self, row: Row) -> Preference:
        """Both answers of `row`.

        Raises:
            RowFault: EMPTY, MALFORMED, NO_ANSWER or SAME_ANSWERS.
        """
        chosen: Lesson = self.chosen.to_record(row)
        rejected: Lesson = self.rejected.to_record(row)
        if type(chosen) is not type(rejected):
            raise RowFault(
                LossCause.MALFORMED,
                f"one of the columns {self.chosen.answer} and {self.rejected.answer} has messages, "
                "and the other a text; use the same form for both",
            )
        if chosen == rejected:
            raise RowFault(
                LossCause.SAME_ANSWERS,
                f"columns {self.chosen.answer} and {self.rejected.answer} do not differ, so there "
                "is nothing to prefer",
            )
        return Preference(chosen, rejected)
