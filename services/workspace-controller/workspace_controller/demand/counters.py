"""Counters of one model, as one gateway reports them or as the sum of all. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """All of them only grow, but `held`, the requests that wait now.

    `request_seconds` are the seconds of all requests, ended or not.
    """

    arrived: int = 0
    finished: int = 0
    held: int = 0
    request_seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    first_tokens: int = 0
    first_token_seconds: float = 0.0

    @property
    def unfinished(self) -> int:
        """Requests that are there now: held and in flight."""
        return self.arrived - self.finished

    @property
    def in_flight(self) -> int:
        return self.unfinished - self.held

    def __add__(self, other: "Counters") -> "Counters":
        return Counters(
            arrived=self.arrived + other.arrived,
            finished=self.finished + other.finished,
            held=self.held + other.held,
            request_seconds=self.request_seconds + other.request_seconds,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            first_tokens=self.first_tokens + other.first_tokens,
            first_token_seconds=self.first_token_seconds + other.first_token_seconds,
        )


def growth(before: Counters, now: Counters) -> Counters:
    """What was counted in between. A gateway that forgot a model has begun again at zero."""
    if now.arrived < before.arrived or now.request_seconds < before.request_seconds:
        before = Counters()
    return Counters(
        arrived=now.arrived - before.arrived,
        finished=now.finished - before.finished,
        request_seconds=now.request_seconds - before.request_seconds,
        prompt_tokens=now.prompt_tokens - before.prompt_tokens,
        completion_tokens=now.completion_tokens - before.completion_tokens,
        first_tokens=now.first_tokens - before.first_tokens,
        first_token_seconds=now.first_token_seconds - before.first_token_seconds,
    )
