"""The three phases of a run over the settings: what each reads, does and leaves."""

import logging
import platform
from collections.abc import MutableMapping
from pathlib import Path

from tuner.config.load import load
from tuner.data import transfer
from tuner.data.dataset import DataSet
from tuner.data.download import Downloader
from tuner.data.fetch import fetch, fetched
from tuner.data.guard import Guard
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.registry import client
from tuner.registry.credentials import read_credentials
from tuner.registry.push import Label, push
from tuner.registry.reference import Reference, parse_reference
from tuner.reporting.board import Board
from tuner.reporting.run import Progress, Pushed, State
from tuner.results import Results, Summary, fingerprint, read_summary, write_summary
from tuner.retry import Patience
from tuner.settings import Settings
from tuner.stop import StopSwitch

logger = logging.getLogger(__name__)

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def fetch_phase(settings: Settings) -> DataSet:
    """URLs → checked files in the data directory.

    Errors: RunError.
    """
    config = load(settings.config_file, settings.method)
    with transfer.new_client() as http:
        downloader = Downloader(
            client=http,
            guard=Guard(settings.allow_private_data_hosts),
            max_bytes=settings.max_data_bytes,
            patience=Patience(),
        )
        return fetch(settings.data_urls, settings.data_dir, config.dataset, downloader)


def train_phase(
    settings: Settings, board: Board, switch: StopSwitch, environ: MutableMapping[str, str]
) -> Summary | None:
    """Data and base model → adapter and summary in the results. Does nothing when they are
    there already. None when it was stopped.

    Errors: RunError.
    """
    config = load(settings.config_file, settings.method)
    data = fetched(settings.data_dir, config.dataset)
    base_model = settings.base_model or settings.model_path.name
    print_ = fingerprint(base_model, settings.method, config.digest, data.digest)
    results = Results(settings.results_dir)
    summary = read_summary(results.summary)
    if summary is not None and summary.fingerprint == print_:
        logger.info("trained already: %d steps", summary.steps)
        return summary
    results.cache.mkdir(parents=True, exist_ok=True)
    keep_to(results.cache, environ)
    # Only now: what it imports takes seconds and hundreds of megabytes.
    from tuner.training.train import Job, train

    job = Job(
        base_model=base_model,
        method=settings.method,
        model_path=settings.model_path,
        config=config,
        data=data,
        data_dir=settings.data_dir,
        results=results,
        fingerprint=print_,
        target_modules=settings.target_modules,
        checkpoint_seconds=settings.checkpoint_seconds,
        cpu_bfloat16=settings.cpu_bfloat16,
        started_at=board.run.start_time,
    )
    summary = train(job, board, switch)
    if summary is not None:
        write_summary(results.summary, summary)
    return summary


def push_phase(settings: Settings, board: Board) -> Pushed:
    """Adapter in the results → image in its registry.

    Errors: RunError.
    """
    results = Results(settings.results_dir)
    summary = read_summary(results.summary)
    if summary is None:
        raise RunError(
            Reason.PUSH_FAILED,
            f"{results.root} holds no finished training; run `python -m tuner train` first",
            retryable=False,
        )
    reference = parse_reference(settings.output_image)
    board.post(state=State.PUSHING, progress=_finished(summary))
    secret = f"secret {settings.push_secret_name!r}" if settings.push_secret_name else "push secret"
    with client.new_client() as http:
        repository = client.RegistryRepository(
            client=http,
            reference=reference,
            credentials=read_credentials(settings.push_secret_file, reference.registry),
            secret=f"the {secret}",
            insecure=reference.registry in settings.insecure_registries,
            patience=Patience(),
        )
        image = push(
            results.adapter, reference, _label(summary, reference), repository, results.cache
        )
    return Pushed(str(reference), image.digest, image.layer.size)


def keep_to(cache: Path, environ: MutableMapping[str, str]) -> None:
    """Makes the libraries write below `cache` only, and ask no hub. The root file system of the
    container is read-only, and its user has no home and no name."""
    temporary = cache / "tmp"
    temporary.mkdir(exist_ok=True)
    environ.update(
        HF_HOME=str(cache / "huggingface"),
        HF_HUB_OFFLINE="1",
        TMPDIR=str(temporary),
        TORCHINDUCTOR_CACHE_DIR=str(cache / "torch"),
        TRITON_CACHE_DIR=str(cache / "triton"),
        TOKENIZERS_PARALLELISM="false",
    )
    environ.setdefault("USER", "kaito")
    # As torchrun does: OpenMP's barriers crawl as soon as a core is shared with anything else.
    environ.setdefault("OMP_NUM_THREADS", "1")
    environ.setdefault("PYTORCH_ALLOC_CONF", "expandable_segments:True")


def _finished(summary: Summary) -> Progress:
    return Progress(
        step=summary.steps,
        total_steps=summary.steps,
        epoch=summary.epochs,
        loss=summary.loss,
        eta_seconds=0.0,
    )


def _label(summary: Summary, reference: Reference) -> Label:
    """All of it follows from the summary, so that pushing again gives the same image."""
    about = {
        "org.opencontainers.image.title": f"{summary.base_model} {summary.method} adapter",
        "org.opencontainers.image.description": "LoRA adapter in /data, trained by KAITO",
        "org.opencontainers.image.created": summary.finished_at,
        "org.opencontainers.image.version": reference.tag,
        "sh.kaito.model.name": summary.base_model,
        "ai.kaito.method": summary.method,
        "ai.kaito.dataset.digest": summary.dataset_digest,
        "ai.kaito.dataset.rows": str(summary.dataset_rows),
        "ai.kaito.config.digest": summary.config_digest,
        "ai.kaito.training.steps": str(summary.steps),
        "ai.kaito.training.epochs": f"{summary.epochs:g}",
        "ai.kaito.training.tokens": str(summary.tokens),
        "ai.kaito.training.seconds": f"{summary.seconds:.1f}",
    }
    if summary.loss is not None:
        about["ai.kaito.training.loss"] = f"{summary.loss:.6g}"
    if summary.eval_loss is not None:
        about["ai.kaito.training.eval-loss"] = f"{summary.eval_loss:.6g}"
    machine = platform.machine()
    return Label(architecture=ARCHITECTURES.get(machine, machine), annotations=about)
