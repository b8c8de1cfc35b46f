"""The endpoint pool: addresses, probes, ejection, and limits."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import grpc
import pytest

from inference_gateway.admission import Share
from inference_gateway.backends.backend import BackendError, Health
from inference_gateway.backends.fake import FakeBackend
from inference_gateway.endpoints.address import EndpointAddress
from inference_gateway.endpoints.endpoint import Endpoint
from inference_gateway.endpoints.pool import EndpointPool
from inference_gateway.errors import RequestRejected
from kaito.inference.v1 import inference_pb2 as pb
from tests.waiting import HANG_SECONDS, until

ONE = EndpointAddress(namespace="n", workspace="one", model="phi", target="127.0.0.1:1")
TWO = EndpointAddress(namespace="n", workspace="two", model="phi", target="127.0.0.1:2")


@dataclass
class FakeReporter:
    """Records which backends are ready."""

    ready: dict[str, bool] = field(default_factory=dict)
    ejections: list[tuple[str, str]] = field(default_factory=list)

    def set_backend_ready(self, backend: str, ready: bool) -> None:
        self.ready[backend] = ready

    def remove_backend(self, backend: str) -> None:
        self.ready.pop(backend, None)

    def record_ejection(self, backend: str, reason: str) -> None:
        self.ejections.append((backend, reason))


@dataclass
class World:
    reporter: FakeReporter = field(default_factory=FakeReporter)
    scripts: dict[EndpointAddress, FakeBackend] = field(default_factory=dict)
    now: float = 0.0

    def connect(self, address: EndpointAddress) -> FakeBackend:
        return self.scripts.setdefault(address, FakeBackend())

    def pool(self, *, sidecar: bool) -> EndpointPool:
        return EndpointPool(
            connect=self.connect,
            clock=lambda: self.now,
            readiness=self.reporter,
            max_in_flight=2,
            hold_seconds=60,
            drain_seconds=1,
            sidecar=sidecar,
        )


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def pool(world: World) -> AsyncIterator[EndpointPool]:
    pool = world.pool(sidecar=False)
    yield pool
    await pool.close()


async def test_addresses_are_added_and_removed(world: World, pool: EndpointPool) -> None:
    pool.set_addresses([ONE, TWO])
    await until(lambda: world.reporter.ready == {"n/one": True, "n/two": True})
    kept = pool.endpoints[1]
    pool.set_addresses([TWO])
    await until(lambda: world.reporter.ready == {"n/two": True})
    assert pool.endpoints == (kept,)
    await until(lambda: world.scripts[ONE].closed)
    assert not world.scripts[TWO].closed


async def test_endpoint_is_probed_on_after_a_probe_that_failed_unexpectedly(
    world: World, pool: EndpointPool
) -> None:
    class Broken(FakeBackend):
        probes = 0

        async def health(self, timeout_seconds: float) -> Health:
            self.probes += 1
            if self.probes == 1:
                raise KeyError("a bug")
            return await super().health(timeout_seconds)

    world.scripts[ONE] = Broken()
    pool.set_addresses([ONE])
    await until(lambda: world.reporter.ready == {"n/one": True})


async def test_hung_endpoint_does_not_delay_others(world: World, pool: EndpointPool) -> None:
    class Hung(FakeBackend):
        async def health(self, timeout_seconds: float) -> Health:
            await asyncio.Event().wait()
            raise AssertionError

    world.scripts[ONE] = Hung()
    pool.set_addresses([ONE, TWO])
    await until(lambda: world.reporter.ready == {"n/two": True})
    assert [each.endpoint.address for each in pool.route("n/two")] == [TWO]


async def test_workspace_narrows_the_search(world: World, pool: EndpointPool) -> None:
    pool.set_addresses([ONE, TWO])
    await until(lambda: len(world.reporter.ready) == 2)
    model = world.scripts[ONE].loaded.name
    (only,) = pool.route(model, "n/two")
    assert (only.endpoint.address, only.served_model) == (TWO, model)
    assert [each.served_model for each in pool.route("", "n/two")] == [""]
    for name, workspace in (("gpt-9", "n/two"), ("", "n/three")):
        with pytest.raises(RequestRejected) as caught:
            pool.route(name, workspace)
        assert caught.value.problem.status == 404


async def test_sidecar_leaves_names_to_the_model_server(world: World) -> None:
    pool = world.pool(sidecar=True)
    pool.set_addresses([ONE])
    assert [each.served_model for each in pool.route("x")] == ["x"]
    assert [each.served_model for each in pool.route("one")] == [""]
    assert [each.served_model for each in pool.route("")] == [""]
    await pool.close()


@pytest.fixture
def endpoint(world: World) -> Endpoint:
    return Endpoint(
        address=ONE,
        backend=world.connect(ONE),
        clock=lambda: world.now,
        max_in_flight=2,
        health=Health(serving=True),
    )


def share(requests: int, *, held_bytes: int = 100, own_bytes: int = 0) -> Share:
    return Share(requests=requests, held_bytes=held_bytes, own_bytes=own_bytes)


def fail(endpoint: Endpoint, code: grpc.StatusCode) -> None:
    with pytest.raises(BackendError), endpoint.track_in_flight(share(8)):
        raise BackendError(code, "why")


def test_unreachable_endpoint_is_ejected_for_longer_each_time(
    world: World, endpoint: Endpoint
) -> None:
    fail(endpoint, grpc.StatusCode.INVALID_ARGUMENT)
    assert endpoint.ready
    for ejection_seconds in (1, 2, 4, 8, 15, 15):
        fail(endpoint, grpc.StatusCode.UNAVAILABLE)
        # Just before and exactly at the end of the ejection.
        world.now += ejection_seconds - 0.5
        assert not endpoint.ready
        world.now += 0.5
        assert endpoint.ready
    with endpoint.track_in_flight(share(8)):
        pass
    assert endpoint.consecutive_failures == 0


def test_endpoint_has_its_own_request_limit(endpoint: Endpoint) -> None:
    with endpoint.track_in_flight(share(8)), endpoint.track_in_flight(share(8)):
        with pytest.raises(RequestRejected) as caught, endpoint.track_in_flight(share(8)):
            pass
        assert caught.value.problem.status == 429
    assert endpoint.in_flight == 0


def test_endpoint_does_not_exceed_its_share(endpoint: Endpoint) -> None:
    with endpoint.track_in_flight(share(1)):
        with pytest.raises(RequestRejected) as caught, endpoint.track_in_flight(share(1)):
            pass
        assert caught.value.problem.status == 429


def test_endpoint_does_not_exceed_its_share_of_bytes(endpoint: Endpoint) -> None:
    large = share(8, held_bytes=50, own_bytes=60)
    with endpoint.track_in_flight(large):
        with pytest.raises(RequestRejected) as caught, endpoint.track_in_flight(large):
            pass
        assert "requests of 60 bytes in flight, of at most 50 now" in caught.value.problem.message
        assert not endpoint.has_room(large)
    with endpoint.track_waiting(large):
        assert not endpoint.has_room(large)
    assert endpoint.has_room(large)


def test_silent_endpoint_gets_one_request_at_a_time_until_it_answers(
    world: World, endpoint: Endpoint
) -> None:
    for ejection_seconds in (1, 2, 4):
        fail(endpoint, grpc.StatusCode.DEADLINE_EXCEEDED)
        assert (endpoint.ready, endpoint.not_ready_reason) == (False, "does not answer")
        world.now += ejection_seconds
        assert endpoint.ready
    with endpoint.track_in_flight(share(8)):
        assert not endpoint.ready
        endpoint.record_answer()
        assert endpoint.ready


def test_slow_request_does_not_eject_an_endpoint_that_answers_others(endpoint: Endpoint) -> None:
    with pytest.raises(BackendError), endpoint.track_in_flight(share(8)):
        endpoint.record_answer()
        raise BackendError(grpc.StatusCode.DEADLINE_EXCEEDED, "why")
    assert endpoint.ready


async def test_good_probe_does_not_end_the_ejection_of_a_silent_endpoint(
    endpoint: Endpoint,
) -> None:
    fail(endpoint, grpc.StatusCode.DEADLINE_EXCEEDED)
    await endpoint.probe()
    assert endpoint.health.serving
    assert not endpoint.ready


async def test_good_probe_ends_the_ejection_of_an_unreachable_endpoint(
    world: World, endpoint: Endpoint
) -> None:
    for _ in range(100):
        fail(endpoint, grpc.StatusCode.UNAVAILABLE)
    world.scripts[ONE].health_now = Health(serving=False, detail="loading")
    await endpoint.probe()
    assert not endpoint.ready
    world.scripts[ONE].health_now = Health(serving=True)
    await endpoint.probe()
    assert endpoint.ready


async def test_failure_during_a_probe_outlasts_it(world: World, endpoint: Endpoint) -> None:
    class Failing(FakeBackend):
        async def adapters(self, timeout_seconds: float) -> tuple[pb.Adapter, ...]:
            fail(endpoint, grpc.StatusCode.UNAVAILABLE)
            return ()

    endpoint.backend = Failing()
    await endpoint.probe()
    assert not endpoint.ready


async def test_ready_endpoint_is_probed_soon_after_a_failure(endpoint: Endpoint) -> None:
    waiting = asyncio.create_task(endpoint.wait_for_next_probe())
    await asyncio.sleep(0)
    fail(endpoint, grpc.StatusCode.UNAVAILABLE)
    async with asyncio.timeout(HANG_SECONDS):
        await waiting


def test_requests_in_flight_fail_once_together(world: World, endpoint: Endpoint) -> None:
    for _ in range(100):
        fail(endpoint, grpc.StatusCode.UNAVAILABLE)
    world.now += 1
    assert endpoint.ready


async def test_endpoint_that_does_not_report_its_model_is_unavailable(
    world: World, endpoint: Endpoint
) -> None:
    class Silent(FakeBackend):
        async def model(self, timeout_seconds: float) -> pb.Model:
            raise BackendError(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")

    endpoint.backend = Silent()
    with pytest.raises(BackendError) as caught:
        await endpoint.loaded_model()
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE


async def test_probe_that_fails_half_way_is_not_serving(world: World, endpoint: Endpoint) -> None:
    class Half(FakeBackend):
        async def adapters(self, timeout_seconds: float) -> tuple[()]:
            raise BackendError(grpc.StatusCode.INTERNAL, "no")

    endpoint.backend = Half()
    await endpoint.probe()
    assert endpoint.health == Health(False, "INTERNAL: no")


LATE = Health(serving=False, detail="nothing in time", timed_out=True)
DOWN = Health(serving=False, detail="draining")


@pytest.mark.parametrize(
    ("before", "found", "answers", "ready"),
    [
        (Health(serving=True), LATE, 1, True),
        (Health(serving=True), LATE, 0, False),
        (Health(serving=True), DOWN, 1, False),
        (DOWN, LATE, 1, False),
    ],
    ids=["answers meanwhile", "answers nothing", "says no", "was not ready before"],
)
async def test_a_probe_without_an_answer_is_no_proof_while_requests_are_answered(
    endpoint: Endpoint, before: Health, found: Health, answers: int, ready: bool
) -> None:
    class Answering(FakeBackend):
        async def health(self, timeout_seconds: float) -> Health:
            for _ in range(answers):
                endpoint.record_answer()
            return found

    endpoint.backend, endpoint.health = Answering(), before
    await endpoint.probe()
    assert endpoint.ready is ready


async def test_names_that_come_too_late_are_no_proof_either(endpoint: Endpoint) -> None:
    class Busy(FakeBackend):
        async def adapters(self, timeout_seconds: float) -> tuple[pb.Adapter, ...]:
            endpoint.record_answer()
            raise BackendError(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")

    endpoint.backend = Busy()
    await endpoint.probe()
    assert endpoint.ready
