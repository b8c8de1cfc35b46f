"""Splits what a model thinks from its answer, as it arrives."""

from dataclasses import dataclass
from enum import Enum

from model_server.text.detokenizer import overlap


@dataclass(frozen=True, slots=True)
class ReasoningMarkers:
    """The text before and after what a model thinks."""

    open: str
    close: str


# Of the presets' families: DeepSeek, Qwen, GLM, Nemotron and others; Mistral.
REASONING_MARKERS = (
    ReasoningMarkers("<think>", "</think>"),
    ReasoningMarkers("[THINK]", "[/THINK]"),
)


class ReasoningState(Enum):
    """Where an answer begins: the prompt may have opened or closed the reasoning already."""

    UNDECIDED = "undecided"
    THINKING = "thinking"
    ANSWERING = "answering"


class ReasoningParser:
    """Reads one answer. Whitespace around the markers belongs to neither side."""

    def __init__(self, markers: ReasoningMarkers, state: ReasoningState) -> None:
        self._markers = markers
        self._state = state
        # What arrived and may still be, or precede, a marker.
        self._held = ""
        # At the beginning of what the model thinks, and of its answer after that.
        self._skips_space = state is ReasoningState.THINKING

    @property
    def is_thinking(self) -> bool:
        """Whether what comes next is reasoning."""
        return self._state is ReasoningState.THINKING

    def add(self, text: str) -> tuple[str, str]:
        """New reasoning, and new text of the answer."""
        self._held += text
        if self._state is ReasoningState.UNDECIDED:
            self._decide()
        thought = self._take_thought() if self.is_thinking else ""
        answer = self._take_answer() if self._state is ReasoningState.ANSWERING else ""
        return thought, answer

    def flush(self) -> tuple[str, str]:
        """What is held back, at the end of the answer."""
        rest, self._held = self._held, ""
        return (rest.rstrip(), "") if self.is_thinking else ("", rest)

    def _decide(self) -> None:
        begun = self._held.lstrip()
        if begun.startswith(self._markers.open):
            self._held = begun.removeprefix(self._markers.open)
            self._state, self._skips_space = ReasoningState.THINKING, True
        elif not self._markers.open.startswith(begun):
            self._state = ReasoningState.ANSWERING

    def _take_thought(self) -> str:
        self._skip_space()
        thought, marker, answer = self._held.partition(self._markers.close)
        if marker:
            self._held = answer
            self._state, self._skips_space = ReasoningState.ANSWERING, True
            return thought.rstrip()
        kept = len(thought) - overlap(thought, self._markers.close)
        kept = len(thought[:kept].rstrip())
        self._held = thought[kept:]
        return thought[:kept]

    def _take_answer(self) -> str:
        self._skip_space()
        answer, self._held = self._held, ""
        return answer

    def _skip_space(self) -> None:
        if self._skips_space:
            self._held = self._held.lstrip()
            self._skips_space = not self._held
