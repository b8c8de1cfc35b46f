"""The phase of training, on several processes: this process starts those of its node and waits."""

import logging
from collections.abc import MutableMapping
from contextlib import suppress

from kaito_training.processes import find_single_process
from tuner.errors import RunError
from tuner.failure_record import recorded_failures
from tuner.library_environment import confine_libraries
from tuner.process_deaths import counted_deaths
from tuner.processes.errors import LessMemoryNeeded
from tuner.processes.meeting import meeting
from tuner.processes.node import Node
from tuner.reasons import Reason
from tuner.settings import Settings
from tuner.training.checkpoints import newest_step
from tuner.training_inputs import TrainingInputs, read_inputs

logger = logging.getLogger(__name__)


def launch_phase(settings: Settings, environ: MutableMapping[str, str]) -> None:
    """Train on the processes that `settings` request; they leave adapter and summary.

    Raises:
        RunError: the training cannot be done. The error is that of the process that failed first.
        Terminated: a signal arrived.
    """
    inputs = read_inputs(settings)
    if (single := find_single_process(inputs.config)) is not None:
        raise RunError(
            Reason.CONFIG_INVALID,
            f"{single}, which trains on one process, and KAITO_PROCESSES is {settings.processes}: "
            "change the key, or set KAITO_PROCESSES to 1",
        )
    results = inputs.results
    if inputs.finished() is not None:
        return
    results.cache.mkdir(parents=True, exist_ok=True)
    with recorded_failures(results.failure, inputs.attempt):
        confine_libraries(results.cache, environ)
        if settings.node is None:
            _launch(settings.processes, inputs, environ)
        else:
            _launch_on_nodes(settings.node, inputs, environ)


def _launch(processes: int, inputs: TrainingInputs, environ: MutableMapping[str, str]) -> None:
    # Imported here because it imports torch, which a single process does not need twice.
    from tuner.processes.launcher import launch

    results = inputs.results
    newest = newest_step(results.checkpoints)
    with counted_deaths(results.deaths, results.log, inputs.attempt, newest) as deaths:
        logger.info("training on %d processes", processes)
        launch(processes, results.cache, deaths, environ)


def _launch_on_nodes(node: Node, inputs: TrainingInputs, environ: MutableMapping[str, str]) -> None:
    """Train with the other nodes.

    In a pod, only the first one returns: the others train again if it is lost before it has pushed
    the adapter, and are ended with the Job.
    """
    # Imported first: once the nodes have met, none should keep the others waiting.
    from tuner.processes.launcher import launch_on_node

    results = inputs.results
    with meeting(node, inputs.fingerprint) as place:
        while True:
            start = place.wait(newest_step(results.checkpoints))
            logger.info(
                "training on %d nodes with %d processes each; this is %s",
                node.count,
                node.processes,
                node.name(node.number),
            )
            with (
                suppress(LessMemoryNeeded),
                counted_deaths(
                    results.deaths, results.log, inputs.attempt, start.newest_step
                ) as deaths,
            ):
                launch_on_node(node, start, results.cache, deaths, environ)
                if node.is_first or not inputs.attempt:
                    return
                logger.info("trained; waiting until the first node has pushed the adapter")
