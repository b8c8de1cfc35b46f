"""Processes that run schedules: one for each core."""

import gc
from concurrent.futures import ProcessPoolExecutor


def worker_pool(processes: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(processes, initializer=_keep_what_is_imported)


def _keep_what_is_imported() -> None:
    """Spare the garbage collector what lives as long as the process. It takes a sixth of a run's
    CPU time otherwise."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
