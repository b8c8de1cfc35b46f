"""Bugs in the communication with the cloud."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from prometheus_client import CollectorRegistry

from gpu_provisioner.cloud.errors import CloudError, CloudUnavailable, PoolNotFound
from gpu_provisioner.cloud.pacing.paced_cloud import PacedCloud
from gpu_provisioner.cloud.pools import Pool, PoolListing, PoolSpec, PoolState
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.controllers.manager import Manager
from gpu_provisioner.settings import Settings
from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from tests.simulation.mutants.mutant import Mutant
from tests.simulation.mutants.mutant_cloud import CallOverrides, MutantCloud
from tests.simulation.provisioner import compose


def _cloud_mutant(
    name: str,
    budget: int,
    overrides: Callable[[Clock], CallOverrides],
    *,
    after_pacing: bool = False,
) -> Mutant:
    """A mutant that overrides calls of the cloud, with separate state for each process.

    With `after_pacing`, the override is outside the rate limiter and does not influence it.
    """

    def composition(
        cluster: Cluster,
        cloud: CloudProvider,
        clock: Clock,
        settings: Settings,
        rng: random.Random,
    ) -> Manager:
        if not after_pacing:
            return compose(cluster, MutantCloud(cloud, overrides(clock)), clock, settings, rng)
        bent = MutantCloud(PacedCloud(cloud, clock, settings.budget), overrides(clock))
        return Manager(cluster, bent, clock, settings, CollectorRegistry(), rng)

    return Mutant(name, budget, composition=composition)


def _retry_under_another_name(_: Clock) -> CallOverrides:
    async def create(cloud: CloudProvider, spec: PoolSpec) -> Pool:
        try:
            return await cloud.create(spec)
        except CloudUnavailable:
            return await cloud.create(replace(spec, name=f"{spec.name[:-1]}2"))

    return CallOverrides(create=create)


def _errors_are_empty_lists(clock: Clock) -> CallOverrides:
    async def listed(cloud: CloudProvider) -> PoolListing:
        try:
            return await cloud.list()
        except CloudError:
            return PoolListing((), clock.now())

    return CallOverrides(list=listed)


def _operations_of_before_are_forgotten(_: Clock) -> CallOverrides:
    """A pool that is being created exists only for the process that requested it."""
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

    return CallOverrides(create=create, list=listed, get=get)


def _deleting_is_gone(_: Clock) -> CallOverrides:
    """A pool whose deletion was accepted counts as deleted."""

    async def listed(cloud: CloudProvider) -> PoolListing:
        found = await cloud.list()
        there = tuple(pool for pool in found.pools if pool.state is not PoolState.DELETING)
        return replace(found, pools=there)

    async def get(cloud: CloudProvider, name: str) -> Pool:
        pool = await cloud.get(name)
        if pool.state is PoolState.DELETING:
            raise PoolNotFound(name)
        return pool

    return CallOverrides(list=listed, get=get)


def _first_page_only(_: Clock) -> CallOverrides:
    async def listed(cloud: CloudProvider) -> PoolListing:
        found = await cloud.list()
        return replace(found, pools=found.pools[:2])

    return CallOverrides(list=listed)


def _retry_after_ignored(_: Clock) -> CallOverrides:
    async def listed(cloud: CloudProvider) -> PoolListing:
        with _never_waits():
            return await cloud.list()

    async def get(cloud: CloudProvider, name: str) -> Pool:
        with _never_waits():
            return await cloud.get(name)

    return CallOverrides(list=listed, get=get)


@contextmanager
def _never_waits() -> Iterator[None]:
    try:
        yield
    except CloudError as error:
        error.retry_after_seconds = 0.1
        raise


def _unpaced(
    cluster: Cluster,
    cloud: CloudProvider,
    clock: Clock,
    settings: Settings,
    rng: random.Random,
) -> Manager:
    return Manager(cluster, cloud, clock, settings, CollectorRegistry(), rng)


MUTANTS = (
    _cloud_mutant(
        "a create without a response is retried under another name", 500, _retry_under_another_name
    ),
    _cloud_mutant(
        "a failed list is treated as empty",
        1000,
        _errors_are_empty_lists,
        after_pacing=True,
    ),
    _cloud_mutant("only the first page of a list is read", 500, _first_page_only),
    _cloud_mutant(
        "an operation in flight is forgotten at a restart", 500, _operations_of_before_are_forgotten
    ),
    _cloud_mutant("a pool counts as gone once its deletion has started", 500, _deleting_is_gone),
    _cloud_mutant("Retry-After is ignored", 500, _retry_after_ignored),
    Mutant("calls to the cloud are not paced", 500, composition=_unpaced),
)
