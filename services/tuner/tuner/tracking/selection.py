"""Which trackers a run reports to: those that its environment variables name. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tracker:
    """`name` is that of transformers' integration.

    It is enabled by any of `variables`, and works with any of `modules`.
    """

    name: str
    title: str
    variables: tuple[str, ...]
    modules: tuple[str, ...]
    package: str


TRACKERS = (
    Tracker(
        "tensorboard",
        "TensorBoard",
        ("TENSORBOARD_LOGGING_DIR",),
        ("tensorboard", "tensorboardX"),
        "tensorboardX",
    ),
    Tracker("mlflow", "MLflow", ("MLFLOW_TRACKING_URI",), ("mlflow",), "mlflow-skinny"),
    Tracker("wandb", "Weights & Biases", ("WANDB_API_KEY", "WANDB_MODE"), ("wandb",), "wandb"),
)


@dataclass(frozen=True, slots=True)
class TrackerSelection:
    """The trackers to report to, and a warning for each that cannot be reported to."""

    trackers: tuple[Tracker, ...]
    warnings: tuple[str, ...]


def select_trackers(
    environ: Mapping[str, str],
    is_installed: Callable[[str], bool],
    known: Sequence[Tracker] = TRACKERS,
) -> TrackerSelection:
    """The trackers that `environ` enables. `is_installed` says whether a module can be imported."""
    wanted = [tracker for tracker in known if _enabled_by(tracker, environ) is not None]
    usable = [tracker for tracker in wanted if any(map(is_installed, tracker.modules))]
    return TrackerSelection(
        tuple(usable),
        tuple(
            f"{_enabled_by(tracker, environ)} is set, but this image has no library for "
            f"{tracker.title}: the run is not reported to it. Build an image FROM this one that "
            f"also installs {tracker.package}, and set workspace-controller.workloads.tuner to it"
            for tracker in wanted
            if tracker not in usable
        ),
    )


def _enabled_by(tracker: Tracker, environ: Mapping[str, str]) -> str | None:
    """The variable that enables the tracker; None if it is off."""
    if environ.get("WANDB_MODE", "").casefold() == "disabled" and tracker.name == "wandb":
        return None
    return next((name for name in tracker.variables if environ.get(name, "").strip()), None)
