"""The newest node images, read with few requests."""

from datetime import timedelta

from gpu_provisioner.cloud.errors import CloudUnavailable
from gpu_provisioner.cloud.fake import FakeCloud
from gpu_provisioner.cloud.pools import Pool, PoolState
from gpu_provisioner.state.node_images import NodeImageCache
from kaito_api.reasons import Reason
from kaito_kube.clock import FakeClock

OLD, NEW = "AKSUbuntu-2204-202609.01.0", "AKSUbuntu-2204-202610.12.0"


def pools(number: int, image: str = OLD) -> list[Pool]:
    return [
        Pool(name=f"ws{index}", state=PoolState.SUCCEEDED, instance_type="x", image=image)
        for index in range(number)
    ]


def watched(number: int) -> tuple[FakeCloud, FakeClock, NodeImageCache]:
    clock = FakeClock()
    cloud = FakeCloud(clock, newest=NEW)
    for pool in pools(number):
        cloud.seed(pool)
    return cloud, clock, NodeImageCache(cloud, clock)


async def test_one_request_an_hour_per_family() -> None:
    cloud, clock, images = watched(200)
    for _ in range(60):
        await images.refresh(pools(200))
        clock.advance(60)
    assert images.newest(OLD) == images.newest(NEW) == NEW
    assert len(cloud.calls) == 1
    await images.refresh(pools(200))
    assert len(cloud.calls) == 2


async def test_changed_image_is_reported_once() -> None:
    cloud, clock, images = watched(1)
    assert await images.refresh(pools(1)) == {"AKSUbuntu-2204"}
    clock.advance(timedelta(hours=1).total_seconds())
    assert await images.refresh(pools(1)) == set()
    cloud.newest = "AKSUbuntu-2204-202611.01.0"
    clock.advance(timedelta(hours=1).total_seconds())
    assert await images.refresh(pools(1)) == {"AKSUbuntu-2204"}


async def test_unreported_image_is_unknown() -> None:
    cloud, _, images = watched(1)
    cloud.fail_next("newest_image", CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "no answer"))
    assert await images.refresh(pools(1)) == set()
    assert images.newest(OLD) == ""
