"""Machines that differ from what a new one would be."""

from dataclasses import replace

import pytest

from tests.gpu_provisioner.world import KINDS, NAME, World

NEWER = "AKSUbuntu-2204gen2containerd-202611.03.0"


@pytest.fixture(params=KINDS, ids=lambda kind: kind.kind)
async def world(request: pytest.FixtureRequest) -> World:
    world = World(request.param)
    world.ask()
    await world.run(60)
    assert world.condition("Drifted") == ("", "")
    return world


async def test_newer_image_is_reported_and_not_acted_on(world: World) -> None:
    world.cloud.newest = NEWER
    await world.run(800)
    assert world.condition("Drifted") == ("True", "NodeImageDrift")
    assert NEWER in world.message("Drifted")
    assert world.condition("Ready") == ("True", "Ready")
    assert ("delete", NAME) not in world.cloud.calls


async def test_newer_kubernetes_is_reported_until_pool_is_upgraded(world: World) -> None:
    world.cloud.state = replace(world.cloud.state, kubernetes_version="1.34.0")
    await world.run(30)
    assert world.condition("Drifted") == ("True", "KubernetesVersionDrift")
    assert "1.33.4" in world.message("Drifted") and "1.34.0" in world.message("Drifted")
    world.cloud.seed(replace(world.cloud.pools()[NAME], kubernetes_version="1.34.0"))
    await world.run(2)
    assert world.condition("Drifted") == ("", "")


async def test_drift_stays_while_its_cause_is_unknown(world: World) -> None:
    world.cloud.newest = NEWER
    await world.run(800)
    world.start()
    world.collected_at = world.clock.now()
    await world.run(2)
    assert world.condition("Drifted") == ("True", "NodeImageDrift")
    world.cloud.seed(replace(world.cloud.pools()[NAME], image=NEWER))
    await world.run(30)
    assert world.condition("Drifted") == ("", "")
