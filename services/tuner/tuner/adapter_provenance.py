"""The provenance of an adapter, from the summary of its training."""

from collections.abc import Sequence

from kaito_signatures.provenance import DatasetFile, Provenance
from kaito_training.data_urls import redact_url
from tuner.summary import TrainingSummary


def adapter_provenance(
    summary: TrainingSummary, workspace: str, hub_id: str, urls: Sequence[str]
) -> Provenance:
    """Everything follows from the arguments, so that signing again gives the same bytes."""
    results: dict[str, float | int] = {
        "steps": summary.steps,
        "epochs": summary.epochs,
        "tokens": summary.tokens,
        "rows": summary.dataset_rows,
        "rowsDropped": summary.rows_dropped,
        "rowsCut": summary.rows_cut,
    }
    losses = {"loss": summary.loss, "evalLoss": summary.eval_loss}
    return Provenance(
        base_model=summary.base_model,
        hub_id=hub_id,
        method=summary.method,
        workspace=workspace,
        dataset_urls=tuple(map(redact_url, urls)),
        dataset_digest=summary.dataset_digest,
        dataset_files=tuple(
            DatasetFile(name=name, digest=f"sha256:{sha256}")
            for name, sha256 in summary.dataset_files.items()
        ),
        config_digest=summary.config_digest,
        finished_at=summary.finished_at,
        versions=summary.versions,
        results=results | {name: value for name, value in losses.items() if value is not None},
    )
