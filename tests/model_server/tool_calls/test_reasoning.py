"""What a model thinks is separated from its answer, however the text arrives in parts."""

import pytest

from model_server.tool_calls.reasoning import (
    REASONING_MARKERS,
    ReasoningMarkers,
    ReasoningParser,
    ReasoningState,
)

THINK, MISTRAL = REASONING_MARKERS
UNDECIDED, THINKING, ANSWERING = ReasoningState


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize(
    ("markers", "state", "text", "reasoning", "answer"),
    [
        (THINK, UNDECIDED, "<think>\nHm, 2.\n</think>\n\nIt is 2. ", "Hm, 2.", "It is 2. "),
        (THINK, UNDECIDED, "\n<think>a < b</think>c", "a < b", "c"),
        (THINK, THINKING, "\nHm.\n</think>\n\nYes.", "Hm.", "Yes."),
        (THINK, UNDECIDED, " Yes, </think> too.", "", " Yes, </think> too."),
        (THINK, ANSWERING, "<think>no</think>", "", "<think>no</think>"),
        # The tokens ran out.
        (THINK, THINKING, "Hm, and </thin", "Hm, and </thin", ""),
        (THINK, UNDECIDED, "<thi", "", "<thi"),
        (THINK, UNDECIDED, "<think></think>Yes", "", "Yes"),
        (MISTRAL, UNDECIDED, "[THINK]Hm.[/THINK]Yes.", "Hm.", "Yes."),
    ],
)
def test_reasoning_and_answer_are_told_apart(
    markers: ReasoningMarkers,
    state: ReasoningState,
    text: str,
    reasoning: str,
    answer: str,
    size: int,
) -> None:
    parser = ReasoningParser(markers, state)
    pairs = [parser.add(text[at : at + size]) for at in range(0, len(text), size)]
    pairs.append(parser.flush())
    assert "".join(thought for thought, _ in pairs) == reasoning
    assert "".join(rest for _, rest in pairs) == answer
