"""What is in a packed sequence."""

import datasets
import pytest

from tuner.training.packing import pack

# A prompt of 20 tokens with an answer of 3, and a short example.
EXAMPLES = datasets.Dataset.from_dict(
    {
        "input_ids": [list(range(20)) + [91, 92, 93], [1, 94]],
        "labels": [[-100] * 20 + [91, 92, 93], [-100, 94]],
    }
)


@pytest.mark.parametrize("strategy", ["bfd", "wrapped"])
def test_labels_go_with_their_tokens(strategy: str) -> None:
    packed = pack(EXAMPLES, 25, strategy)
    learned = [label for labels in packed["labels"] for label in labels if label != -100]
    assert learned == [91, 92, 93, 94]
    for row in packed:
        pairs = zip(row["input_ids"], row["labels"], strict=True)
        assert all(label in (-100, token) for token, label in pairs)


def test_a_sequence_of_nothing_but_a_prompt_is_left_out() -> None:
    (row,) = pack(EXAMPLES, 8, "wrapped")
    assert row["labels"] == [-100, -100, -100, -100, 91, 92, 93, -100]
