"""Counters of one model's requests. Pure: moments are seconds of a monotonic clock."""

from dataclasses import dataclass

from kaito.demand.v1 import demand_pb2 as pb


@dataclass(slots=True)
class ModelCounters:
    """They only grow, all but `held`.

    `request_seconds` are up to `since`: the seconds of each request, ended or not. `revision` is
    the recorder's at the last change.
    """

    since: float
    arrived: int = 0
    finished: int = 0
    held: int = 0
    request_seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    first_tokens: int = 0
    first_token_seconds: float = 0.0
    revision: int = 0

    @property
    def unfinished(self) -> int:
        """Held and in flight."""
        return self.arrived - self.finished

    def advance(self, now: float) -> None:
        """Adds the seconds of the requests that are there, before their number changes."""
        self.request_seconds += self.unfinished * (now - self.since)
        self.since = now

    def message(self, model: str) -> pb.ModelDemand:
        return pb.ModelDemand(
            model=model,
            arrived=self.arrived,
            finished=self.finished,
            held=self.held,
            request_seconds=self.request_seconds,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            first_tokens=self.first_tokens,
            first_token_seconds=self.first_token_seconds,
        )
