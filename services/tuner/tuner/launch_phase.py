"""The phase of training, on several processes: this process starts them and waits."""

import logging
from collections.abc import MutableMapping

from kaito_training.processes import find_single_process
from tuner.errors import RunError
from tuner.failure_record import recorded_failures
from tuner.library_environment import confine_libraries
from tuner.process_deaths import counted_deaths
from tuner.reasons import Reason
from tuner.settings import Settings
from tuner.training.checkpoints import newest_step
from tuner.training_inputs import read_inputs

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
    newest = newest_step(results.checkpoints)
    with (
        recorded_failures(results.failure, inputs.attempt),
        counted_deaths(results.deaths, results.log, inputs.attempt, newest) as deaths,
    ):
        confine_libraries(results.cache, environ)
        # Imported here because it imports torch, which a single process does not need twice.
        from tuner.processes.launcher import launch

        logger.info("training on %d processes", settings.processes)
        launch(settings.processes, results.cache, deaths, environ)
