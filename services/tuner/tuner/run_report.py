"""The report on the data of a run, from the run's settings."""

from kaito_training.sections import TrainingConfig
from tuner.base_model.model_size import count_parameters
from tuner.data.dataset import Dataset
from tuner.data_report.build import RunContext
from tuner.data_report.compact import compact
from tuner.data_report.hardware import find_hardware
from tuner.data_report.input_file import InputFile
from tuner.data_report.inspect import inspect_data
from tuner.data_report.publish import publish
from tuner.data_report.report import DataReport
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.settings import Settings


def run_context(settings: Settings, config: TrainingConfig) -> RunContext:
    """What the run's settings and the model's files say about hardware and size."""
    nodes = settings.node.count if settings.node is not None else 1
    return RunContext(
        config=config,
        hardware=find_hardware(
            settings.instance_type,
            settings.node_hourly_price,
            settings.processes * nodes,
            nodes,
        ),
        parameters=count_parameters(settings.model_path) or settings.model_parameters,
    )


def report_on(data: Dataset, settings: Settings, config: TrainingConfig) -> DataReport:
    """Read the fetched `data` and leave the report on it.

    Raises:
        RunError: the data cannot be trained on; it carries a summary of the report.
    """
    inputs = [InputFile(settings.data_dir, file) for file in data.split_files]
    report = inspect_data(inputs, run_context(settings, config), settings.model_path)
    # The data of an image or a volume is read-only.
    publish(report, (settings.data_dir, settings.results_dir))
    if report.problem:
        raise RunError(Reason(report.reason), report.problem, data=compact(report))
    return report
