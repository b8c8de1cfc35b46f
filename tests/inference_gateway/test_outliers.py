"""Replicas that answer much worse than the others of their model get no requests for a while."""

from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from inference_gateway.admission import Share
from inference_gateway.backends.backend import BackendError, Health
from inference_gateway.backends.fake import FakeBackend
from inference_gateway.endpoints.address import EndpointAddress
from inference_gateway.endpoints.endpoint import Endpoint
from inference_gateway.endpoints.outliers import FirstTokens, is_far_above, may_eject
from inference_gateway.endpoints.routing import find_matches
from inference_gateway.model_list import list_models
from kaito.inference.v1 import inference_pb2 as pb
from tests.inference_gateway.generation_requests import CHAT, HI
from tests.inference_gateway.running import asked_in_order, front_door

SHARE = Share(requests=1000, held_bytes=10**9)
INTERNAL = grpc.StatusCode.INTERNAL


@dataclass
class Replicas:
    """Several replicas of one model, with a clock."""

    count: int
    now: float = 1000.0
    reported: list[tuple[str, str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.all = [self._replica(index) for index in range(self.count)]

    def _replica(self, index: int) -> Endpoint:
        return Endpoint(
            address=EndpointAddress(
                namespace="n", workspace=f"phi-{index}", model="phi", target=f"phi-{index}:1"
            ),
            backend=FakeBackend(),
            clock=lambda: self.now,
            max_in_flight=1000,
            health=Health(serving=True),
            peers=lambda: self.all,
            report_ejection=lambda each, why, seconds: self.reported.append(
                (each.address.workspace, why, seconds)
            ),
        )

    def ready(self) -> list[int]:
        return [index for index, each in enumerate(self.all) if each.ready]

    def fail(self, index: int, times: int = 1, code: grpc.StatusCode = INTERNAL) -> None:
        for _ in range(times):
            with pytest.raises(BackendError), self.all[index].track_in_flight(SHARE):
                raise BackendError(code, "why")

    def succeed(self, index: int) -> None:
        with self.all[index].track_in_flight(SHARE):
            pass

    def stream(self, index: int, seconds: float, times: int = 1) -> None:
        """Streams whose first token comes after so long."""
        for _ in range(times):
            with self.all[index].track_in_flight(SHARE):
                record = self.all[index].time_stream()
                self.now += seconds
                record()
                self.now -= seconds

    def last_ejection(self) -> tuple[str, str, float]:
        return self.reported[-1]


def test_five_errors_in_a_row_eject_a_replica() -> None:
    replicas = Replicas(4)
    replicas.fail(1, times=4)
    replicas.succeed(1)
    replicas.fail(1, times=4)
    assert replicas.ready() == [0, 1, 2, 3]
    replicas.fail(1)
    assert replicas.ready() == [0, 2, 3]
    assert replicas.all[1].not_ready_reason == "fails every request"


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.NOT_FOUND,
    ],
)
def test_what_a_request_is_to_blame_for_ejects_nobody(code: grpc.StatusCode) -> None:
    replicas = Replicas(4)
    replicas.fail(1, times=20, code=code)
    assert replicas.ready() == [0, 1, 2, 3]


def test_an_ejected_replica_is_tried_by_one_request_and_ejected_for_longer_each_time() -> None:
    replicas = Replicas(4)
    replicas.fail(1, times=5)
    for seconds in (10, 20, 40, 80, 160, 160):
        assert replicas.last_ejection() == ("phi-1", "fails every request", seconds)
        replicas.now += seconds
        assert 1 in replicas.ready()
        with pytest.raises(BackendError), replicas.all[1].track_in_flight(SHARE):
            assert 1 not in replicas.ready()
            raise BackendError(INTERNAL, "why")
        assert 1 not in replicas.ready()
    replicas.now += 160
    replicas.succeed(1)
    with replicas.all[1].track_in_flight(SHARE):
        assert 1 in replicas.ready()
    replicas.fail(1, times=5)
    assert replicas.last_ejection()[2] == 10


async def test_a_good_probe_does_not_end_it_and_a_new_process_does() -> None:
    replicas = Replicas(4)
    replicas.fail(1, times=5)
    script = replicas.all[1].backend
    assert isinstance(script, FakeBackend)
    await replicas.all[1].probe()
    assert 1 not in replicas.ready()
    script.health_now = Health(serving=False, detail="loading")
    await replicas.all[1].probe()
    script.health_now = Health(serving=True)
    await replicas.all[1].probe()
    assert 1 in replicas.ready()


@pytest.mark.parametrize(("count", "left"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3)])
def test_at_least_half_of_the_replicas_stay(count: int, left: int) -> None:
    replicas = Replicas(count)
    for index in range(count):
        replicas.fail(index, times=50)
    assert len(replicas.ready()) == left


def test_replicas_that_are_away_count_among_those_ejected() -> None:
    replicas = Replicas(4)
    replicas.all[0].health = Health(serving=False, detail="loading")
    replicas.all[1].ejected_until = replicas.now + 60
    replicas.fail(2, times=50)
    assert replicas.ready() == [2, 3]


def test_an_outlier_answers_when_nobody_else_can() -> None:
    replicas = Replicas(2)
    for each in replicas.all:
        each.model = pb.Model(name="phi")
    replicas.fail(1, times=5)
    assert [match.endpoint for match in find_matches("phi", replicas.all)] == [replicas.all[0]]
    replicas.all[0].health = Health(serving=False, detail="loading")
    assert [match.endpoint for match in find_matches("phi", replicas.all)] == [replicas.all[1]]


def test_a_slower_workspace_of_the_same_preset_keeps_its_own_name() -> None:
    replicas = Replicas(2)
    for each in replicas.all:
        each.model = pb.Model(name="phi")
    replicas.stream(0, 0.2, times=8)
    replicas.stream(1, 5.0, times=8)
    assert replicas.ready() == [0]
    assert [match.endpoint for match in find_matches("n/phi-1", replicas.all)] == replicas.all[1:]
    names = {entry["id"] for entry in list_models(replicas.all)}
    assert names == {"phi", "phi-0", "n/phi-0", "phi-1", "n/phi-1"}


def test_a_replica_whose_first_tokens_are_far_slower_is_ejected() -> None:
    replicas = Replicas(4)
    for index in range(4):
        replicas.stream(index, 0.3, times=8)
    replicas.stream(2, 4.0, times=9)
    assert replicas.ready() == [0, 1, 3]
    assert replicas.last_ejection() == ("phi-2", "is far slower than the other replicas", 10)
    replicas.now += 4 + 10
    replicas.stream(2, 4.0)
    assert replicas.last_ejection()[2] == 20
    replicas.now += 4 + 20
    replicas.stream(2, 0.4)
    assert replicas.ready() == [0, 1, 2, 3]
    # What it was like before counts no longer.
    replicas.stream(2, 0.4, times=8)
    assert replicas.ready() == [0, 1, 2, 3]


def test_all_slow_together_eject_nobody() -> None:
    replicas = Replicas(4)
    for _ in range(20):
        for index in range(4):
            replicas.stream(index, 9.0)
    assert replicas.ready() == [0, 1, 2, 3]


def test_a_few_slow_streams_eject_nobody() -> None:
    replicas = Replicas(4)
    for index in (0, 1, 3):
        replicas.stream(index, 0.3, times=8)
    replicas.stream(2, 30.0, times=7)
    assert replicas.ready() == [0, 1, 2, 3]


def test_a_slow_replica_is_not_kept_away_where_nothing_is_streamed() -> None:
    replicas = Replicas(2)
    replicas.stream(0, 0.3, times=8)
    replicas.stream(1, 4.0, times=8)
    assert replicas.ready() == [0]
    replicas.now += 10
    replicas.succeed(1)
    with replicas.all[1].track_in_flight(SHARE):
        assert replicas.ready() == [0, 1]


@pytest.mark.parametrize(
    ("seconds", "others", "is_far"),
    [
        (9.0, [], False),
        (1.0, [0.01, 0.02], False),
        (1.1, [0.01, 0.02], True),
        (9.9, [2.0, 2.0, 9.0], False),
        (10.1, [2.0, 2.0, 9.0], True),
    ],
)
def test_far_above(seconds: float, others: list[float], is_far: bool) -> None:
    assert is_far_above(seconds, others) is is_far


@pytest.mark.parametrize(
    ("others_ready", "count", "may"),
    [(0, 1, False), (1, 2, True), (0, 2, False), (2, 3, True), (1, 3, False), (2, 4, True)],
)
def test_may_eject(others_ready: int, count: int, may: bool) -> None:
    assert may_eject(others_ready, count) is may


def test_first_tokens_of_a_while_ago_say_nothing() -> None:
    tokens = FirstTokens()
    for _ in range(8):
        tokens.add(now=0, seconds=1.0)
    assert tokens.usual_seconds(now=60) == 1.0
    assert tokens.usual_seconds(now=61) is None


async def test_a_front_door_leaves_a_broken_replica_out(tmp_path: Path) -> None:
    broken, well = FakeBackend(), FakeBackend()
    broken.failures.extend(BackendError(INTERNAL, "CUDA error") for _ in range(9))
    body = HI | {"model": well.loaded.name}
    first, second = asked_in_order(("one", "two"), CHAT, body)
    async with front_door(tmp_path, {first: broken, second: well}, 2) as client:
        statuses = [(await client.post(CHAT, json=body)).status for _ in range(9)]
        assert statuses == [500] * 5 + [200] * 4
        text = await (await client.get("/metrics")).text()
    ejections = 'kaito_gateway_backend_ejections_total{backend="n/%s",reason="%s"} 1.0'
    assert ejections % (first, "fails every request") in text


async def test_an_engine_that_answers_500_is_left_out_as_well(tmp_path: Path) -> None:
    broken, well = FakeBackend(), FakeBackend()
    for script in (broken, well):
        script.loaded.http_routes.append(f"POST {CHAT}")
    broken.relay_head = pb.HttpResponseHead(status=500)
    body = HI | {"model": well.loaded.name}
    first, second = asked_in_order(("one", "two"), CHAT, body)
    async with front_door(tmp_path, {first: broken, second: well}, 2) as client:
        statuses = [(await client.post(CHAT, json=body)).status for _ in range(7)]
    assert statuses == [500] * 5 + [200] * 2
