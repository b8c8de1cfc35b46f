"""Packs several examples into one sequence, where the user's options ask for it."""

import datasets
from trl import DPOConfig, SFTConfig
from trl.data_utils import pack_dataset

from tuner.examples.example import IGNORED_LABEL
from tuner.examples.prepared_data import PreparedData


def train_sequences(
    prepared: PreparedData, arguments: SFTConfig | DPOConfig, limit: int | None
) -> datasets.Dataset:
    """What the trainer trains on, `limit` tokens in a sequence at most."""
    if isinstance(arguments, DPOConfig) or not arguments.packing or limit is None:
        return prepared.train
    return pack(prepared.train, limit, arguments.packing_strategy)


def evaluation_sequences(
    prepared: PreparedData, arguments: SFTConfig | DPOConfig
) -> datasets.Dataset | None:
    """What the trainer evaluates on; None if nothing is held back."""
    if isinstance(arguments, DPOConfig):
        return prepared.evaluation
    is_packed = arguments.packing if arguments.eval_packing is None else arguments.eval_packing
    if prepared.evaluation is None or not is_packed:
        return prepared.evaluation
    packed = pack(prepared.evaluation, arguments.max_length, arguments.packing_strategy)
    return packed if len(packed) else None


def pack(examples: datasets.Dataset, max_length: int, strategy: str) -> datasets.Dataset:
    """`examples` in sequences of `max_length` tokens at most.

    The strategy "wrapped" cuts examples, so a sequence may hold nothing but a long prompt. Its loss
    would be the mean of no token, which is not a number: it is left out.
    """
    packed = pack_dataset(examples, max_length, strategy)
    return packed.filter(_is_learned, input_columns="labels")


def _is_learned(labels: list[int]) -> bool:
    # Nothing precedes the first token, so the model cannot learn it.
    return any(label != IGNORED_LABEL for label in labels[1:])
