"""A tracker is used if its variable is set and its library is there."""

import pytest

from tuner.tracking.selection import TRACKERS, select_trackers

ALL = {module for tracker in TRACKERS for module in tracker.modules}
CASES: dict[str, tuple[dict[str, str], set[str], list[str]]] = {
    "nothing is set": ({}, ALL, []),
    "TensorBoard": ({"TENSORBOARD_LOGGING_DIR": "/mnt/results/logs"}, ALL, ["tensorboard"]),
    "TensorBoard with its small library": (
        {"TENSORBOARD_LOGGING_DIR": "/mnt/results/logs"},
        {"tensorboardX"},
        ["tensorboard"],
    ),
    "MLflow": ({"MLFLOW_TRACKING_URI": "http://mlflow:5000"}, ALL, ["mlflow"]),
    "W&B with a key": ({"WANDB_API_KEY": "k"}, ALL, ["wandb"]),
    "W&B without a server": ({"WANDB_MODE": "offline"}, ALL, ["wandb"]),
    "W&B that is off": ({"WANDB_API_KEY": "k", "WANDB_MODE": "disabled"}, ALL, []),
    "two": (
        {"MLFLOW_TRACKING_URI": "http://mlflow:5000", "WANDB_API_KEY": "k"},
        ALL,
        ["mlflow", "wandb"],
    ),
    "empty variable": ({"MLFLOW_TRACKING_URI": " "}, ALL, []),
}


@pytest.mark.parametrize(("environ", "installed", "expected"), CASES.values(), ids=CASES)
def test_trackers_follow_the_environment(
    environ: dict[str, str], installed: set[str], expected: list[str]
) -> None:
    selection = select_trackers(environ, installed.__contains__)
    assert [tracker.name for tracker in selection.trackers] == expected
    assert not selection.warnings


def test_missing_library_is_a_warning_that_names_it() -> None:
    selection = select_trackers({"WANDB_API_KEY": "secret"}, lambda module: False)
    assert not selection.trackers
    assert selection.warnings == (
        "WANDB_API_KEY is set, but this image has no library for Weights & Biases: the run is not "
        "reported to it. Build an image FROM this one that also installs wandb, and set "
        "workspace-controller.workloads.tuner to it",
    )
