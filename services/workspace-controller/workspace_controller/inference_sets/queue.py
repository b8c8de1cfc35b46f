"""The work queue of InferenceSets over the store that the whole controller shares."""

import random
from collections.abc import Callable

from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.events import EventRecorder
from kaito_kube.store import Store
from kaito_kube.work_queue import RateLimit, WorkQueue
from kaito_skus.prices import PriceBook
from workspace_controller.demand.recommendations import Recommendations
from workspace_controller.inference_sets.executor import SetExecutor
from workspace_controller.inference_sets.load_client import LoadClient
from workspace_controller.inference_sets.observer import SetObserver
from workspace_controller.inference_sets.reconciler import SetReconciler
from workspace_controller.inference_sets.ticker import ScalingTicker
from workspace_controller.inference_sets.triggers import SetTriggers
from workspace_controller.metrics import Metrics


def build_set_queue(
    cluster: Cluster,
    store: Store,
    clock: Clock,
    loads: LoadClient,
    recorder: EventRecorder,
    metrics: Metrics,
    rate_limit: RateLimit,
    rng: random.Random,
    recommendations: Recommendations,
    prices: Callable[[], PriceBook],
) -> tuple[WorkQueue, ScalingTicker]:
    """`cluster` lets only the leader write. The leader starts the queue and runs the ticker."""
    observer = SetObserver(cluster, store, clock, loads, recommendations, prices)
    reconciler = SetReconciler(observer, SetExecutor(cluster, recorder), metrics)
    queue = WorkQueue("inferenceset", reconciler.reconcile, rate_limit, rng)
    SetTriggers(store, queue.enqueue)
    return queue, ScalingTicker(store, observer, queue.enqueue)
