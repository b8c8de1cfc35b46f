"""Wrong ways to speak to the cloud."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from gpu_provisioner.cloud import (
    CloudError,
    CloudProvider,
    CloudUnavailable,
    Pool,
    PoolListing,
    PoolNotFound,
    PoolSpec,
    PoolState,
)
from gpu_provisioner.operator import Operator
from gpu_provisioner.settings import Settings
from kaito_kube.cluster import Cluster
from tests.simulation.loop import LoopClock
from tests.simulation.mutants.bent_cloud import BentCloud, Ways
from tests.simulation.mutants.mutant import Mutant
from tests.simulation.replica import compose


def _bent(name: str, ways: Callable[[], Ways]) -> Mutant:
    """Each process bends its calls with a memory of its own."""

    def put_together(
        cluster: Cluster,
        cloud: CloudProvider,
        clock: LoopClock,
        settings: Settings,
        rng: random.Random,
    ) -> Operator:
        return compose(cluster, BentCloud(cloud, ways()), clock, settings, rng)

    return Mutant(name, put_together=put_together)


def _again_under_another_name() -> Ways:
    async def create(cloud: CloudProvider, spec: PoolSpec) -> Pool:
        try:
            return await cloud.create(spec)
        except CloudUnavailable:
            return await cloud.create(replace(spec, name=f"{spec.name[:-1]}2"))

    return Ways(create=create)


def _errors_are_empty_lists() -> Ways:
    async def listed(cloud: CloudProvider) -> PoolListing:
        try:
            return await cloud.list()
        except CloudError:
            return PoolListing((), datetime.max.replace(tzinfo=UTC))

    return Ways(list=listed)


def _operations_of_before_are_forgotten() -> Ways:
    """A pool that is being made exists only for the process that asked for it."""
    mine: set[str] = set()

    def is_known(pool: Pool) -> bool:
        return pool.state is not PoolState.CREATING or pool.name in mine

    async def create(cloud: CloudProvider, spec: PoolSpec) -> Pool:
        pool = await cloud.create(spec)
        mine.add(spec.name)
        return pool

    async def listed(cloud: CloudProvider) -> PoolListing:
        found = await cloud.list()
        return replace(found, pools=tuple(pool for pool in found.pools if is_known(pool)))

    async def get(cloud: CloudProvider, name: str) -> Pool:
        pool = await cloud.get(name)
        if not is_known(pool):
            raise PoolNotFound(name)
        return pool

    return Ways(create=create, list=listed, get=get)


def _deleting_is_gone() -> Ways:
    """A pool whose deletion was taken up counts as deleted."""

    async def listed(cloud: CloudProvider) -> PoolListing:
        found = await cloud.list()
        there = tuple(pool for pool in found.pools if pool.state is not PoolState.DELETING)
        return replace(found, pools=there)

    async def get(cloud: CloudProvider, name: str) -> Pool:
        pool = await cloud.get(name)
        if pool.state is PoolState.DELETING:
            raise PoolNotFound(name)
        return pool

    return Ways(list=listed, get=get)


MUTANTS = (
    _bent("a create without an answer is tried again under another name", _again_under_another_name),
    _bent("an error for a list is read as an empty list", _errors_are_empty_lists),
    _bent("an operation in flight is forgotten by a restart", _operations_of_before_are_forgotten),
    _bent("a pool counts as gone once its deletion began", _deleting_is_gone),
)
