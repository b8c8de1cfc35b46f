"""The counters of a front door: nothing that comes and goes between two reports is lost."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from inference_gateway.demand.recorder import DemandRecorder, TrackedRequest
from inference_gateway.request_context import RequestLog
from kaito.demand.v1 import demand_pb2 as pb


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def _of(recorder: DemandRecorder, model: str) -> pb.ModelDemand:
    return next(each for each in recorder.changed_since(-1) if each.model == model)


def test_a_request_counts_from_its_start_to_its_end() -> None:
    clock = Clock()
    recorder = DemandRecorder(clock)
    log = RequestLog()
    with recorder.track(log) as request:
        request.sent_to("n/one")
        clock.now = 3
        assert _of(recorder, "n/one") == pb.ModelDemand(
            model="n/one", arrived=1, request_seconds=3.0
        )
        log.prompt_tokens, log.completion_tokens, log.first_token_seconds = 7, 5, 0.5
        clock.now = 4
    clock.now = 100
    assert _of(recorder, "n/one") == pb.ModelDemand(
        model="n/one",
        arrived=1,
        finished=1,
        request_seconds=4.0,
        prompt_tokens=7,
        completion_tokens=5,
        first_tokens=1,
        first_token_seconds=0.5,
    )


def test_a_request_that_is_held_counts_once() -> None:
    recorder = DemandRecorder(Clock())
    with recorder.track(RequestLog()) as request:
        with request.held_for("n/one"):
            assert (_of(recorder, "n/one").arrived, _of(recorder, "n/one").held) == (1, 1)
        request.sent_to("n/one")
        assert (_of(recorder, "n/one").arrived, _of(recorder, "n/one").held) == (1, 0)


def test_a_request_that_another_workspace_answers_counts_for_that_one() -> None:
    recorder = DemandRecorder(Clock())
    with recorder.track(RequestLog(completion_tokens=9)) as request:
        with request.held_for("n/one"):
            pass
        request.sent_to("n/two")
        unfinished = {
            each.model: each.arrived - each.finished for each in recorder.changed_since(-1)
        }
    assert unfinished == {"n/one": 0, "n/two": 1}
    assert _of(recorder, "n/one").completion_tokens == 0
    assert _of(recorder, "n/two").completion_tokens == 9


def test_a_request_for_no_known_model_counts_nowhere() -> None:
    recorder = DemandRecorder(Clock())
    with recorder.track(RequestLog()) as request, request.held_for(""):
        pass
    assert recorder.changed_since(-1) == []


def test_a_report_has_what_changed_and_what_changes_with_time() -> None:
    clock = Clock()
    recorder = DemandRecorder(clock)
    for model in ("n/idle", "n/done"):
        with recorder.track(RequestLog()) as request:
            request.sent_to(model)
    reported = recorder.revision
    with recorder.track(RequestLog()) as request:
        request.sent_to("n/done")
    with recorder.track(RequestLog()) as request:
        request.sent_to("n/busy")
        reported_busy = recorder.revision
        assert {each.model for each in recorder.changed_since(reported)} == {"n/done", "n/busy"}
        assert [each.model for each in recorder.changed_since(reported_busy)] == ["n/busy"]


def test_a_model_that_nobody_asks_for_is_forgotten() -> None:
    clock = Clock()
    recorder = DemandRecorder(clock)
    with recorder.track(RequestLog()) as request:
        request.sent_to("n/one")
        clock.now = 4000
        assert len(recorder.changed_since(-1)) == 1
    clock.now = 8000
    assert recorder.changed_since(-1) == []


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10)), max_size=20))
def test_the_seconds_of_all_requests_are_their_durations(spans: list[tuple[float, float]]) -> None:
    """Whatever overlaps, and wherever reports are made in between."""
    clock, log = Clock(), RequestLog()
    recorder = DemandRecorder(clock)
    ends = [(start, start + length) for start, length in spans]
    moments = sorted(
        [(start, 0, index) for index, (start, _) in enumerate(ends)]
        + [(end, 1, index) for index, (_, end) in enumerate(ends)]
    )
    open_: dict[int, AbstractContextManager[TrackedRequest]] = {}
    for moment, is_end, index in moments:
        clock.now = moment
        recorder.changed_since(-1)
        if is_end:
            open_.pop(index).__exit__(None, None, None)
        else:
            open_[index] = recorder.track(log)
            open_[index].__enter__().sent_to("n/one")
    total = sum(each.request_seconds for each in recorder.changed_since(-1))
    assert abs(total - sum(end - start for start, end in ends)) < 1e-6
