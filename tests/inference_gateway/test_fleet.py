"""Probing, pausing, places that come and go."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import grpc
import pytest

from inference_gateway.backends.backend import BackendError, Health
from inference_gateway.backends.fake import FakeBackend
from inference_gateway.errors import Refused
from inference_gateway.fleet.fleet import Fleet
from inference_gateway.fleet.place import Place
from inference_gateway.fleet.target import Target
from kaito.inference.v1 import inference_pb2 as pb
from tests.inference_gateway.running import until

ONE = Place(namespace="n", workspace="one", model="phi", address="127.0.0.1:1")
TWO = Place(namespace="n", workspace="two", model="phi", address="127.0.0.1:2")


@dataclass
class Board:
    """Remembers what it was told."""

    ready: dict[str, bool] = field(default_factory=dict)

    def backend_ready(self, backend: str, ready: bool) -> None:
        self.ready[backend] = ready

    def backend_gone(self, backend: str) -> None:
        self.ready.pop(backend, None)


@dataclass
class Fixture:
    board: Board = field(default_factory=Board)
    scripts: dict[Place, FakeBackend] = field(default_factory=dict)
    now: float = 0.0

    def connect(self, place: Place) -> FakeBackend:
        return self.scripts.setdefault(place, FakeBackend())

    def fleet(self, *, alone: bool) -> Fleet:
        return Fleet(
            connect=self.connect,
            clock=lambda: self.now,
            readiness=self.board,
            max_in_flight=2,
            drain_seconds=1,
            alone=alone,
        )


@pytest.fixture
def world() -> Fixture:
    return Fixture()


@pytest.fixture
async def fleet(world: Fixture) -> AsyncIterator[Fleet]:
    fleet = world.fleet(alone=False)
    yield fleet
    await fleet.close()


async def test_places_come_and_go(world: Fixture, fleet: Fleet) -> None:
    fleet.set_places([ONE, TWO])
    await until(lambda: world.board.ready == {"n/one": True, "n/two": True})
    kept = fleet.targets[1]
    fleet.set_places([TWO])
    await until(lambda: world.board.ready == {"n/two": True})
    assert fleet.targets == (kept,)
    await until(lambda: world.scripts[ONE].closed)
    assert not world.scripts[TWO].closed


async def test_a_hung_model_server_keeps_no_other_waiting(world: Fixture, fleet: Fleet) -> None:
    class Hung(FakeBackend):
        async def health(self, timeout_seconds: float) -> Health:
            await asyncio.Event().wait()
            raise AssertionError

    world.scripts[ONE] = Hung()
    fleet.set_places([ONE, TWO])
    await until(lambda: world.board.ready == {"n/two": True})
    assert [each.target.place for each in fleet.route("n/two")] == [TWO]


async def test_a_place_in_the_path_narrows_the_choice(world: Fixture, fleet: Fleet) -> None:
    fleet.set_places([ONE, TWO])
    await until(lambda: len(world.board.ready) == 2)
    model = world.scripts[ONE].loaded.name
    (only,) = fleet.route(model, "n/two")
    assert (only.target.place, only.served_model) == (TWO, model)
    assert [each.served_model for each in fleet.route("", "n/two")] == [""]
    for name, place in (("gpt-9", "n/two"), ("", "n/three")):
        with pytest.raises(Refused) as caught:
            fleet.route(name, place)
        assert caught.value.problem.status == 404


async def test_alone_the_server_judges_names(world: Fixture) -> None:
    fleet = world.fleet(alone=True)
    fleet.set_places([ONE])
    assert [each.served_model for each in fleet.route("x")] == ["x"]
    assert [each.served_model for each in fleet.route("one")] == [""]
    assert [each.served_model for each in fleet.route("")] == [""]
    await fleet.close()


@pytest.fixture
def target(world: Fixture) -> Target:
    return Target(
        place=ONE,
        backend=world.connect(ONE),
        clock=lambda: world.now,
        max_in_flight=2,
        health=Health(serving=True),
    )


def fail(target: Target, code: grpc.StatusCode) -> None:
    with pytest.raises(BackendError), target.busy():
        raise BackendError(code, "why")


def test_who_was_unreachable_is_left_alone_for_longer_each_time(
    world: Fixture, target: Target
) -> None:
    fail(target, grpc.StatusCode.INVALID_ARGUMENT)
    assert target.ready
    for pause in (1, 2, 4, 8, 15, 15):
        fail(target, grpc.StatusCode.UNAVAILABLE)
        world.now += pause - 0.5
        assert not target.ready
        world.now += 0.5
        assert target.ready
    with target.busy():
        pass
    assert target.failures == 0


def test_a_model_server_has_its_own_limit(target: Target) -> None:
    with target.busy(), target.busy():
        with pytest.raises(Refused) as caught, target.busy():
            pass
        assert caught.value.problem.status == 429
    assert target.in_flight == 0


async def test_a_model_server_that_does_not_say_what_it_has_is_unavailable(
    world: Fixture, target: Target
) -> None:
    class Silent(FakeBackend):
        async def model(self, timeout_seconds: float) -> pb.Model:
            raise BackendError(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")

    target.backend = Silent()
    with pytest.raises(BackendError) as caught:
        await target.about()
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE


async def test_a_probe_that_fails_half_way_is_not_serving(world: Fixture, target: Target) -> None:
    class Half(FakeBackend):
        async def adapters(self, timeout_seconds: float) -> tuple[()]:
            raise BackendError(grpc.StatusCode.INTERNAL, "no")

    target.backend = Half()
    await target.probe()
    assert target.health == Health(False, "INTERNAL: no")
