"""Runs `python -m tuner check`: finds the files, reads them, prints the report."""

import json
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from kaito_process import logs
from kaito_training.sections import TrainingConfig
from tuner.base_model.model_size import count_parameters
from tuner.check.inputs import find_inputs
from tuner.check.row_progress import RowProgress
from tuner.config.errors import config_invalid
from tuner.config.load import default_config, load_config, parse_config
from tuner.data.dataset import Dataset
from tuner.data_report.build import RunContext
from tuner.data_report.hardware import find_hardware
from tuner.data_report.inspect import TOKENIZER_FILES, has_tokenizer, inspect_data
from tuner.data_report.report import DataReport
from tuner.data_report.text import render_text
from tuner.errors import RunError
from tuner.phases import fetch_urls
from tuner.reasons import Reason
from tuner.settings import Method, Settings

USABLE, UNUSABLE = 0, 1


def check(arguments: Namespace, environ: Mapping[str, str]) -> int:
    """Print the report on `arguments.files`; returns the exit code.

    Raises:
        SettingError: a variable of the environment is unusable.
    """
    # The report says what the log of a run would say.
    logs.configure_command()
    settings = replace(Settings.from_env(environ), method=arguments.method)
    try:
        report = _report(arguments, settings, environ)
    except RunError as error:
        if arguments.json:
            print(json.dumps({"reason": error.reason.value, "problem": error.message}))
        print(f"tuner: {error.reason.value}: {error.message}", file=sys.stderr)
        return UNUSABLE
    print(json.dumps(report.to_json(), indent=1) if arguments.json else render_text(report))
    return UNUSABLE if report.problem else USABLE


def _report(arguments: Namespace, settings: Settings, environ: Mapping[str, str]) -> DataReport:
    config = _config(arguments.config, arguments.method)
    if arguments.model is not None and not has_tokenizer(arguments.model):
        raise RunError(
            Reason.MODEL_LOAD_FAILED,
            f"--model: {arguments.model} holds no tokenizer ({', '.join(TOKENIZER_FILES)}); name "
            "the directory with the model's files, or leave --model out for an estimate",
        )
    parameters = arguments.parameters
    if parameters is None and arguments.model is not None:
        parameters = count_parameters(arguments.model)
    context = RunContext(
        config=config,
        hardware=find_hardware(arguments.instance_type, arguments.price),
        parameters=parameters,
    )

    def fetch(urls: Sequence[str], directory: Path) -> Dataset:
        chosen = replace(settings, data_urls=tuple(urls), data_dir=directory)
        return fetch_urls(chosen, config, environ)

    with TemporaryDirectory(prefix="kaito-check-") as downloads, RowProgress() as progress:
        inputs = find_inputs(arguments.files, config.dataset, Path(downloads), fetch)
        return inspect_data(inputs, context, arguments.model, progress.count)


def _config(path: Path | None, method: Method) -> TrainingConfig:
    if path is None:
        return parse_config(default_config(method), method)
    if not path.is_file():
        raise config_invalid(f"there is no file {path}; check the path")
    return load_config(path, method)
