"""The lineage for people: from the answer down to the data."""

from rich.console import RenderableType

from kubectl_kaito.lineage.evidence import SignatureState
from kubectl_kaito.lineage.view import AdapterLineage, LineageView, ProvenanceView
from kubectl_kaito.terminal import fields, text

_HEADLINES = {
    SignatureState.VERIFIED: ("signature verified", "green"),
    SignatureState.NOT_VERIFIED: ("signature not verified", "red"),
    SignatureState.NOT_SIGNED: ("not signed", "red"),
    SignatureState.NO_KEY: ("not verified: no key", "yellow"),
    SignatureState.UNKNOWN: ("not known", "yellow"),
}
_SHOWN_FILES = 5


def table(view: LineageView) -> list[RenderableType]:
    if not view.adapters:
        return [text(f"Workspace {view.namespace}/{view.name} serves no adapter.")]
    parts: list[RenderableType] = []
    for adapter in view.adapters:
        headline, style = _HEADLINES[adapter.signature.state]
        parts += [text(f"{adapter.name}: {headline}", style), _chain(view, adapter), text("")]
    return parts[:-1]


def _chain(view: LineageView, adapter: AdapterLineage) -> RenderableType:
    signature, found = adapter.signature, adapter.provenance
    key = f"{signature.signed_by}, {signature.detail}" if signature.signed_by else signature.detail
    rows: list[tuple[str, object]] = [
        ("  Served by", f"Workspace {view.namespace}/{view.name}, model {view.model or 'unknown'}"),
        ("  From", adapter.origin if adapter.origin != adapter.image else None),
        ("  Image", adapter.image),
        ("  Signature", key),
        ("  Pods verified", signature.verified_by_pods),
    ]
    if found is not None:
        rows += _origin(found, fits=adapter.fits_model)
    elif adapter.image and signature.state is not SignatureState.UNKNOWN:
        rows.append(("  Provenance", "the image has none of Kaito's tuner"))
    return fields(rows)


def _origin(found: ProvenanceView, *, fits: bool | None) -> list[tuple[str, object]]:
    claim = "signed by the same keys" if found.verified else "NOT verified: whoever pushed says it"
    tuned = ", ".join(filter(None, (found.workspace, found.method, found.finished_at)))
    mismatch = " (NOT the model that serves it)" if fits is False else ""
    files = [f"{file.name} {file.digest}" for file in found.dataset_files[:_SHOWN_FILES]]
    if (more := len(found.dataset_files) - _SHOWN_FILES) > 0:
        files.append(f"and {more} more; -o json has all")
    return [
        ("  Provenance", claim),
        ("  Tuned by", tuned),
        ("  Settings", found.config_digest),
        ("  Result", ", ".join(f"{name} {value:g}" for name, value in found.results.items())),
        ("  Libraries", ", ".join(f"{name} {v}" for name, v in found.versions.items())),
        ("  Dataset", found.dataset_digest),
        ("  Files", "; ".join(files)),
        ("  Read from", ", ".join(found.dataset_urls)),
        ("  Base model", f"{found.hub_id or found.base_model}{mismatch}"),
    ]
