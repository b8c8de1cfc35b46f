"""Reads a file as the tuner does: with its own code, so that both say the same."""

from importlib.resources import files
from pathlib import Path

from kubectl_kaito.dataset.checker import CheckUnavailable, DatasetReport
from kubectl_kaito.errors import CommandError

_LIBRARIES = {"fsspec", "numpy", "pyarrow"}


class TunerReader:
    def check(self, path: Path, method: str) -> DatasetReport:
        try:
            # Imported here because it takes libraries that no other verb needs.
            from kaito_training.config import parse_config
            from tuner.data_report.build import RunContext
            from tuner.data_report.cost import Hardware
            from tuner.data_report.input_file import InputFile
            from tuner.data_report.inspect import inspect_data
            from tuner.data_report.one_line import one_line
            from tuner.errors import RunError
            from tuner.layout.layout import SplitFile
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in _LIBRARIES:
                raise
            raise CheckUnavailable(
                f"{path} cannot be checked here, because {error.name} is not installed: run `pipx "
                f"inject kubectl-kaito {' '.join(sorted(_LIBRARIES))}` (what krew installs takes "
                "no libraries), or leave it out: `kubectl kaito tune` has --no-check"
            ) from None
        default = files("tuner") / "templates" / f"{method}.yaml"
        config = parse_config(default.read_text(encoding="utf-8"), method)
        file = InputFile(path.parent, SplitFile(path.name, "train"))
        try:
            report = inspect_data([file], RunContext(config=config, hardware=Hardware()))
        except RunError as error:
            raise CommandError(error.message) from None
        lengths, plan = report.lengths, report.plan
        return DatasetReport(
            summary=one_line(report),
            rows=report.rows.read,
            dropped=report.rows.dropped,
            tokens=lengths.examples.total if lengths.examples is not None else 0,
            trained_tokens=plan.tokens,
            steps=plan.steps,
            exact=lengths.exact,
            problem=report.problem,
        )
