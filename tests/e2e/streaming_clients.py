"""Clients that stream one answer after the other, and what they got."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.e2e.served_model import ServedModel
from tools.demo.kubectl import wait_for

# It lasts while several others begin and end.
_TOKENS = 120


@dataclass
class StreamingClients:
    """One thread for each model or adapter of a Workspace, as long as the context lasts."""

    model: ServedModel
    names: tuple[str, ...]
    answers: dict[str, list[str]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> "StreamingClients":
        self.answers = {name: [] for name in self.names}
        self._threads = [
            threading.Thread(target=self._ask, args=(name,), daemon=True) for name in self.names
        ]
        for thread in self._threads:
            thread.start()
        self.get_answers("the first")
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def get_answers(self, when: str) -> None:
        """Wait until each has got two more: one of them began after this moment."""
        before = self._counts()

        def lacking() -> str | None:
            counts = self._counts()
            few = [name for name in self.names if counts[name] < before[name] + 2]
            return f"{few} of {counts}; failed: {self.failures}" if few else None

        wait_for(f"answers after {when}", lacking, 120)
        print(f"answers after {when}: {self._counts()}, failed: {len(self.failures)}", flush=True)

    def _counts(self) -> Mapping[str, int]:
        return {name: len(texts) for name, texts in self.answers.items()}

    def _ask(self, name: str) -> None:
        question, options = "Tell me a story.", {"max_tokens": _TOKENS, "ignore_eos": True}
        while not self._stop.is_set():
            try:
                text = self.model.stream(question, model=name, **options)
                self.answers[name].append(text)
            except Exception as error:
                self.failures.append(f"{name}: {error!r}")
                self._stop.wait(0.2)
