"""The Prometheus metrics of a run. Each scrape reads the run as it is at that moment."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.tuning_run import RunState, TuningRun

logger = logging.getLogger(__name__)


class RunCollector(Collector):
    """What is not known yet has no sample: 0 would look like a measurement."""

    def __init__(self, publisher: StatusPublisher) -> None:
        self._publisher = publisher

    def collect(self) -> Iterator[Metric]:
        """The metrics at this moment."""
        run = self._publisher.run
        for name, about, value in _gauges(run):
            family = GaugeMetricFamily(f"kaito_tuning_{name}", about)
            if value is not None:
                family.add_metric([], value)
            yield family
        yield _state(run)
        yield _lost_rows(run)
        yield _info(run)


@contextmanager
def serving_metrics(publisher: StatusPublisher, port: int) -> Iterator[int | None]:
    """Serve /metrics on `port` within the block, and yield the port; 0 picks a free one.

    Yields None where the port is taken: a run does not fail for its metrics.
    """
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    registry.register(RunCollector(publisher))
    try:
        server, thread = start_http_server(port, registry=registry)
    except OSError as error:
        logger.warning(
            "no metrics: KAITO_METRICS_PORT %d cannot be opened: %s", port, error.strerror
        )
        yield None
        return
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _gauges(run: TuningRun) -> list[tuple[str, str, float | None]]:
    """Name, help text and value of each metric without labels."""
    progress, checkpoint, gpu, lost = run.progress, run.checkpoint, run.gpu_memory, run.lost_rows
    return [
        ("step", "Completed optimizer steps, over all restarts", progress.step),
        ("total_steps", "Optimizer steps in total", progress.total_steps or None),
        ("epoch", "Completed passes over the data", progress.epoch),
        ("loss", "Training loss at the last logged step", progress.loss),
        ("eval_loss", "Loss on the rows held back, at the last evaluation", progress.eval_loss),
        ("eval_step", "Step of the last evaluation", progress.eval_step),
        ("learning_rate", "Learning rate at the last logged step", progress.learning_rate),
        ("gradient_norm", "Gradient norm at the last logged step", progress.gradient_norm),
        (
            "reward_accuracy",
            "Share of pairs whose chosen answer has the higher reward, at the last logged step",
            progress.reward_accuracy,
        ),
        (
            "reward_margin",
            "Reward of chosen answers above that of rejected ones, at the last logged step",
            progress.reward_margin,
        ),
        (
            "tokens_per_second",
            "Mean throughput since this process started to train",
            progress.tokens_per_second or None,
        ),
        ("eta_seconds", "Remaining time at the mean speed so far", progress.eta_seconds),
        ("resumed_step", "Step of the checkpoint resumed from", progress.resumed_step),
        (
            "checkpoint_step",
            "Step of the newest checkpoint",
            checkpoint.step if checkpoint else None,
        ),
        (
            "checkpoint_timestamp_seconds",
            "When the newest checkpoint was complete, in seconds since the epoch",
            checkpoint.time.timestamp() if checkpoint else None,
        ),
        ("start_timestamp_seconds", "When the run started", run.start_time.timestamp()),
        ("diverging", "1 once the loss diverges, else 0", float(run.divergence is not None)),
        ("rows", "Rows of the dataset", lost.rows if lost else None),
        (
            "gpu_memory_peak_bytes",
            "Most memory that tensors occupied",
            gpu.peak_bytes if gpu else None,
        ),
        ("gpu_memory_total_bytes", "Memory of the fullest GPU", gpu.total_bytes if gpu else None),
    ]


def _state(run: TuningRun) -> Metric:
    family = GaugeMetricFamily("kaito_tuning_state", "1 for the state of the run", labels=["state"])
    for state in RunState:
        family.add_metric([state.value.lower()], float(run.state is state))
    return family


def _lost_rows(run: TuningRun) -> Metric:
    family = GaugeMetricFamily(
        "kaito_tuning_lost_rows", "Rows that are dropped or cut, by cause", labels=["cause"]
    )
    for cause, count in run.lost_rows.by_cause.items() if run.lost_rows is not None else ():
        family.add_metric([cause], count)
    return family


def _info(run: TuningRun) -> Metric:
    family = GaugeMetricFamily(
        "kaito_tuning_info", "1, with what is tuned", labels=["run", "base_model", "method"]
    )
    family.add_metric([run.name, run.base_model, run.method], 1)
    return family
