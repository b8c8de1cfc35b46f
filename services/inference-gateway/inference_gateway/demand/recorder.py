"""Counts the requests of each model. Calls nobody and never waits."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from inference_gateway.demand.counters import ModelCounters
from inference_gateway.request_context import RequestLog
from kaito.demand.v1 import demand_pb2 as pb

# The controller keeps what it has added up, so that a model that returns may begin at zero.
_FORGET_IDLE_SECONDS = 3600.0


@dataclass(slots=True)
class DemandRecorder:
    """Models are called namespace/name, by the InferenceSet or the Workspace that serves them.

    `revision` grows with each change, so that a report can be limited to what is new.
    """

    clock: Callable[[], float]
    revision: int = 0
    _models: dict[str, ModelCounters] = field(default_factory=dict)

    @contextmanager
    def track(self, log: RequestLog) -> Iterator["TrackedRequest"]:
        """Counts one request, once it is known which model it is for, until it ends.

        `log` says at the end what the request used.
        """
        request = TrackedRequest(self)
        try:
            yield request
        finally:
            request.finish(log)

    def changed_since(self, revision: int) -> list[pb.ModelDemand]:
        """The counters that changed after that revision, or change now as time passes."""
        now = self.clock()
        self._forget_idle(now)
        found = []
        for model, counters in self._models.items():
            if counters.unfinished or counters.revision > revision:
                counters.advance(now)
                found.append(counters.message(model))
        return found

    def counters(self, model: str) -> ModelCounters:
        """Those of the model, for a change: its time is brought up to date."""
        now = self.clock()
        counters = self._models.get(model)
        if counters is None:
            counters = self._models[model] = ModelCounters(since=now)
        counters.advance(now)
        self.revision += 1
        counters.revision = self.revision
        return counters

    def _forget_idle(self, now: float) -> None:
        idle = [
            model
            for model, counters in self._models.items()
            if not counters.unfinished and now - counters.since > _FORGET_IDLE_SECONDS
        ]
        for model in idle:
            del self._models[model]


@dataclass(slots=True)
class TrackedRequest:
    """One request. It counts for one model at a time: the one that it is sent to, or waits for."""

    recorder: DemandRecorder
    model: str = ""

    def sent_to(self, model: str) -> None:
        """Counts it as one for this model. For another one that it has counted for, it has ended:
        its name may be a preset's, which several Workspaces serve."""
        if model == self.model:
            return
        if self.model:
            self.recorder.counters(self.model).finished += 1
        self.model = model
        self.recorder.counters(model).arrived += 1

    @contextmanager
    def held_for(self, model: str) -> Iterator[None]:
        """Counts it as held, unless no such model is known."""
        if not model:
            yield
            return
        self.sent_to(model)
        self.recorder.counters(model).held += 1
        try:
            yield
        finally:
            self.recorder.counters(model).held -= 1

    def finish(self, log: RequestLog) -> None:
        """Counts it as ended, with what it has used."""
        if not self.model:
            return
        counters = self.recorder.counters(self.model)
        counters.finished += 1
        counters.prompt_tokens += log.prompt_tokens
        counters.completion_tokens += log.completion_tokens
        if log.first_token_seconds is not None:
            counters.first_tokens += 1
            counters.first_token_seconds += log.first_token_seconds
