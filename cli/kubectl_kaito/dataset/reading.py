"""The dataset of a plan."""

from pathlib import Path

from kubectl_kaito.dataset.checker import DatasetReport
from kubectl_kaito.environment import Environment
from kubectl_kaito.errors import CommandError, UsageError
from kubectl_kaito.plan.manifests import Given


def read_dataset(name: str, given: Given, environment: Environment) -> DatasetReport | None:
    """None for a URL: it is read in the cluster, before a node is requested.

    Raises:
        UsageError: there is no such file.
        CommandError: it is no dataset, or it cannot be checked here.
    """
    if "://" in name:
        return None
    path = Path(name).expanduser()
    if not path.is_file():
        raise UsageError(f"--tune {name!r} is no URL, and there is no such file")
    tuning = given.spec.tuning
    report = environment.datasets().check(path, tuning.method if tuning is not None else "qlora")
    if report.problem:
        raise CommandError(f"--tune {name}: {report.problem}")
    return report
