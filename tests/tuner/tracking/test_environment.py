"""What the libraries of trackers find in their environment."""

from pathlib import Path

from tuner.tracking.environment import prepare_trackers


def test_run_has_its_name_and_uploads_nothing_large() -> None:
    environ = {"WANDB_PROJECT": "mine", "WANDB_LOG_MODEL": "end"}
    prepare_trackers("team/ws", "attempt-1", Path("/mnt/results/.cache"), environ)
    assert environ["MLFLOW_RUN_NAME"] == environ["WANDB_NAME"] == "team/ws"
    assert (environ["WANDB_RUN_ID"], environ["WANDB_RESUME"]) == ("attempt-1", "allow")
    assert environ["WANDB_PROJECT"] == "mine"
    assert environ["WANDB_DIR"] == "/mnt/results/.cache"
    assert environ["WANDB_LOG_MODEL"] == environ["HF_MLFLOW_LOG_ARTIFACTS"] == "false"
