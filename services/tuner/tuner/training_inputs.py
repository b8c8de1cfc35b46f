"""What a training starts from: its configuration, its data, and where its results are."""

import logging
from dataclasses import dataclass

from kaito_training.sections import TrainingConfig
from tuner.config.load import load_config
from tuner.data.dataset import Dataset
from tuner.data.fetch import load_dataset
from tuner.results import ResultsDirectory
from tuner.settings import Settings
from tuner.summary import TrainingSummary, fingerprint, read_summary

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingInputs:
    """`fingerprint` identifies the inputs, and `attempt` the pod as well; it is empty outside of
    a pod."""

    config: TrainingConfig
    data: Dataset
    base_model: str
    results: ResultsDirectory
    fingerprint: str
    attempt: str

    def finished(self) -> TrainingSummary | None:
        """The summary of this training; None if it is not finished."""
        summary = read_summary(self.results.summary)
        if summary is None or summary.fingerprint != self.fingerprint:
            return None
        logger.info("already trained: %d steps", summary.steps)
        return summary


def read_inputs(settings: Settings) -> TrainingInputs:
    """The inputs that `settings` describe.

    Raises:
        RunError: the configuration or the data cannot be used.
    """
    config = load_config(settings.config_file, settings.method)
    data = load_dataset(settings.data_dir, config.dataset)
    base_model = settings.base_model or settings.model_path.name
    inputs = fingerprint(base_model, settings.method, config.digest, data.digest)
    return TrainingInputs(
        config=config,
        data=data,
        base_model=base_model,
        results=ResultsDirectory(settings.results_dir),
        fingerprint=inputs,
        attempt=fingerprint(settings.pod_uid, inputs) if settings.pod_uid else "",
    )
