"""The three phases of a run: what each reads, does and leaves behind."""

import logging
import tempfile
from collections.abc import Mapping, MutableMapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from kaito_process.retry_policy import RetryPolicy
from kaito_signatures.signer import Signer
from kaito_training.sections import TrainingConfig
from tuner.adapter_check import find_adapter_fault
from tuner.adapter_provenance import adapter_provenance
from tuner.config.load import load_config
from tuner.data.dataset import Dataset
from tuner.data.fetch import fetch_dataset, find_keys_without_effect
from tuner.data_report.inspect import has_tokenizer
from tuner.data_report.report import DataReport
from tuner.data_report.stored import read_report
from tuner.errors import RunError
from tuner.failure_record import recorded_failures
from tuner.image_metadata import image_metadata
from tuner.library_environment import confine_libraries
from tuner.model_card.card import CardInputs
from tuner.model_card.save import save_card
from tuner.process_deaths import counted_deaths, kept_log
from tuner.processes.rank import Rank
from tuner.reasons import Reason
from tuner.registry.attestations import attach_signature
from tuner.registry.output_reference import output_reference
from tuner.registry.output_repository import output_repository
from tuner.registry.push import push
from tuner.registry.push_check import check_push
from tuner.registry.signing_key import read_signer
from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.tuning_run import Progress, PushedAdapter, RunState
from tuner.results import ADAPTER_WEIGHTS, ResultsDirectory
from tuner.run_report import report_on, run_context
from tuner.settings import Settings
from tuner.sources import http_client
from tuner.sources.access_secret import AccessSecret
from tuner.sources.download import Downloader
from tuner.sources.sources import Sources
from tuner.sources.ssrf_guard import SsrfGuard
from tuner.stop_switch import StopSwitch
from tuner.summary import TrainingSummary, read_summary, write_summary
from tuner.tracking.environment import prepare_trackers
from tuner.training.checkpoints import newest_step
from tuner.training_inputs import TrainingInputs, read_inputs

logger = logging.getLogger(__name__)


def fetch_phase(settings: Settings, environ: MutableMapping[str, str]) -> DataReport:
    """Fetch the URLs into the data directory, and leave the report on the data.

    Raises:
        RunError: the data or the configuration cannot be used.
    """
    config = load_config(settings.config_file, settings.method)
    for key in find_keys_without_effect(settings.data_urls, config.dataset):
        logger.warning(
            "training_config.yaml: DatasetConfig.%s has no effect: tuning.input.urls names the "
            "files",
            key,
        )
    data = fetch_urls(settings, config, environ)
    if has_tokenizer(settings.model_path):
        # The fetcher has no results directory to confine them to.
        confine_libraries(Path(tempfile.mkdtemp(prefix="kaito-")), environ)
    return report_on(data, settings, config)


def fetch_urls(settings: Settings, config: TrainingConfig, environ: Mapping[str, str]) -> Dataset:
    """Fetch the URLs into the data directory and check the files.

    Raises:
        RunError: the data cannot be fetched or read.
    """
    guard = SsrfGuard(settings.allow_private_data_hosts)
    secret = AccessSecret.read(settings.access_secret_name, settings.access_secret_dir, environ)
    sources = Sources(guard=guard, secret=secret, environ=environ)
    with http_client.new_client() as client:
        downloader = Downloader(
            client=client,
            guard=guard,
            max_bytes=settings.max_data_bytes,
            retry_policy=RetryPolicy(),
        )
        return fetch_dataset(
            settings.data_urls, settings.data_dir, config.dataset, sources, downloader
        )


def train_phase(
    settings: Settings,
    publisher: StatusPublisher,
    switch: StopSwitch,
    environ: MutableMapping[str, str],
) -> TrainingSummary | None:
    """Train on the fetched data and leave adapter and summary in the results.

    Does nothing if they are already there. Returns None if the run was stopped.

    Raises:
        RunError: the training cannot be done.
    """
    inputs = read_inputs(settings)
    if (summary := inputs.finished()) is not None:
        return summary
    inputs.results.cache.mkdir(parents=True, exist_ok=True)
    rank = Rank.from_env(environ)
    if rank is not None:
        # The launcher records failures and counts deaths, for all processes of the node.
        kept = rank.first_on_node and inputs.attempt
        keep = kept_log(inputs.results.log) if kept else nullcontext()
        with keep:
            return _train(settings, inputs, rank, rank.deaths, publisher, switch, environ)
    newest = newest_step(inputs.results.checkpoints)
    with (
        recorded_failures(inputs.results.failure, inputs.attempt),
        counted_deaths(inputs.results.deaths, inputs.results.log, inputs.attempt, newest) as deaths,
        kept_log(inputs.results.log) if inputs.attempt else nullcontext(),
    ):
        return _train(settings, inputs, None, deaths, publisher, switch, environ)


def _train(
    settings: Settings,
    inputs: TrainingInputs,
    rank: Rank | None,
    deaths: int,
    publisher: StatusPublisher,
    switch: StopSwitch,
    environ: MutableMapping[str, str],
) -> TrainingSummary | None:
    results = inputs.results
    attempt = inputs.attempt or inputs.fingerprint
    confine_libraries(results.cache, environ)
    prepare_trackers(settings.name, attempt, results.cache, environ)
    # Imported here because it takes seconds and hundreds of megabytes, and because the
    # libraries read their environment when they are imported.
    from tuner.tracking.start import start_trackers
    from tuner.training.agreement import joined
    from tuner.training.train import train
    from tuner.training.training_job import TrainingJob

    with joined(rank) as agreement:
        job = TrainingJob(
            base_model=inputs.base_model,
            # The text: YAML cannot write members of an enum.
            method=settings.method.value,
            model_path=settings.model_path,
            config=inputs.config,
            data=inputs.data,
            data_dir=settings.data_dir,
            results=results,
            fingerprint=inputs.fingerprint,
            attempt=attempt,
            deaths=deaths,
            target_modules=settings.target_modules,
            checkpoint_seconds=settings.checkpoint_seconds,
            cpu_bfloat16=settings.cpu_bfloat16,
            context=run_context(settings, inputs.config),
            started_at=publisher.run.start_time,
            agreement=agreement,
            rank=rank,
        )
        trackers = start_trackers(environ if agreement.reporting else {})
        summary = train(job, publisher, switch, trackers)
        if summary is not None and agreement.reporting:
            summary = _save_summary(settings, inputs, summary)
        # The others stay until everything is saved: a failure here is one of the whole training.
        agreement.wait()
    return summary


def _save_summary(
    settings: Settings, inputs: TrainingInputs, trained: TrainingSummary
) -> TrainingSummary:
    """Leave the model card and the summary, with what the report on the data knows."""
    results, summary = inputs.results, trained
    report = read_report(results.data_report)
    if report is not None:
        rows = report.rows
        summary = replace(summary, rows_dropped=rows.dropped, rows_cut=rows.cut)
    card = CardInputs(
        summary=summary,
        config=inputs.config,
        hub_id=settings.hub_id,
        license=settings.license,
        urls=settings.data_urls,
        report=report,
    )
    save_card(results.adapter, card)
    write_summary(results.summary, summary)
    return summary


def push_phase(settings: Settings, publisher: StatusPublisher) -> PushedAdapter:
    """Push the adapter in the results as an image.

    Raises:
        RunError: there is no adapter, it is broken, or the registry does not accept it.
    """
    results = ResultsDirectory(settings.results_dir)
    summary = read_summary(results.summary)
    if summary is None:
        raise RunError(
            Reason.PUSH_FAILED,
            f"{results.root} holds no finished training; run `python -m tuner train` first",
            retryable=False,
        )
    fault = find_adapter_fault(results.adapter / ADAPTER_WEIGHTS)
    if fault is not None:
        raise RunError(
            Reason.PUSH_FAILED,
            f"the adapter in {results.adapter} {fault}; it is not pushed: train it again",
            retryable=False,
        )
    reference = output_reference(settings.output_image)
    publisher.publish(state=RunState.PUSHING, progress=_final_progress(summary))
    signer = _signer(settings)
    with output_repository(settings, reference) as repository:
        metadata = image_metadata(summary, reference, settings.name)
        image = push(
            results.adapter,
            reference,
            metadata,
            repository,
            results.cache,
            overwrite=settings.overwrite_image,
        )
        if signer is not None:
            provenance = adapter_provenance(
                summary, settings.name, settings.hub_id, settings.data_urls
            )
            attach_signature(image, reference, provenance, signer, repository)
    return PushedAdapter(str(reference), image.digest, image.layer.size)


def check_push_phase(settings: Settings) -> None:
    """Check that the adapter can be pushed, before there is one.

    Raises:
        RunError: a secret cannot be used, or the registry would not accept the image.
    """
    reference = output_reference(settings.output_image)
    _signer(settings)
    with output_repository(settings, reference) as repository:
        check_push(reference, settings.name, repository, overwrite=settings.overwrite_image)


def _signer(settings: Settings) -> Signer | None:
    """The signer with the key of the signing secret; None if no secret is named.

    Raises:
        RunError: SIGNING_KEY_INVALID.
    """
    name = settings.signing_secret_name
    return read_signer(settings.signing_secret_dir, f"the secret {name!r}") if name else None


def _final_progress(summary: TrainingSummary) -> Progress:
    return Progress(
        step=summary.steps,
        total_steps=summary.steps,
        epoch=summary.epochs,
        loss=summary.loss,
        eval_loss=summary.eval_loss,
        eval_step=None if summary.eval_loss is None else summary.steps,
        eta_seconds=0.0,
    )
