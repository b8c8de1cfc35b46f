"""Finds the columns of both answers, for a training that learns from preferences."""

from collections.abc import Iterator
from dataclasses import replace

from kaito_training.sections import DatasetConfig
from tuner.shapes.answer_pair import AnswerPairShape
from tuner.shapes.openai_preference import find_openai_preference
from tuner.shapes.preference import find_preference
from tuner.shapes.values.columns import Columns

KNOWN = "chosen and rejected, or preferred_output and non_preferred_output"


def find_answer_pairs(columns: Columns, config: DatasetConfig) -> Iterator[AnswerPairShape]:
    """The shapes with two answers that a file with these columns has, the best first."""
    rejected = columns.find("non_preferred_output")
    if rejected is not None:
        for openai in find_openai_preference(columns, config):
            yield AnswerPairShape(openai, replace(openai, preferred=rejected))
    rejected = columns.find("rejected")
    if rejected is not None:
        for shape in find_preference(columns, config):
            yield AnswerPairShape(shape, replace(shape, chosen=rejected))
