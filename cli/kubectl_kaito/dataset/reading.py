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
    try:
        path = Path(name).expanduser()
        is_file = path.is_file()
    except (OSError, RuntimeError) as error:
        # RuntimeError: "~NAME" of a user that this machine does not have.
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(
            f"--tune {name!r} is no URL, and there is no such file to read: {why}"
        ) from None
    if not is_file:
        raise UsageError(f"--tune {name!r} is no URL, and there is no such file")
    tuning = given.spec.tuning
    report = environment.datasets().check(path, tuning.method if tuning is not None else "qlora")
    if report.problem:
        raise CommandError(f"--tune {name}: {report.problem}")
    return report
