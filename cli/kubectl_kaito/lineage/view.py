"""The lineage of each adapter, from the answer back to the data. Pure."""

import math

from pydantic import Field

from kaito_kube.kinds import Manifest, key_of
from kaito_signatures.provenance import Provenance
from kubectl_kaito import workspace_facts as facts
from kubectl_kaito.lineage.adapters import ServedAdapter
from kubectl_kaito.lineage.evidence import Evidence, SignatureState
from kubectl_kaito.output import View


class SignatureView(View):
    state: SignatureState = Field(
        description="Verified, NotVerified, NotSigned, NoKey, or Unknown: it could not be read."
    )
    detail: str
    signed_by: str | None = Field(description="SHA-256 of the key that it is verified with.")
    verified_by_pods: str | None = Field(
        description="SHA-256 of the key that the pods have verified it with; null: none demanded."
    )


class DatasetFileView(View):
    name: str
    digest: str


class ProvenanceView(View):
    verified: bool = Field(description="Whether a trusted key has signed it; else a mere claim.")
    base_model: str
    hub_id: str | None
    method: str
    workspace: str | None = Field(description="The Workspace that has tuned it.")
    dataset_urls: list[str]
    dataset_digest: str
    dataset_files: list[DatasetFileView]
    config_digest: str
    finished_at: str | None
    versions: dict[str, str] = Field(description="Of the libraries that have trained it.")
    results: dict[str, float] = Field(description="Figures of the training by name.")


class AdapterLineage(View):
    name: str
    origin: str = Field(description="The image, the Workspace or the volume that it comes from.")
    image: str | None = Field(description="By its digest.")
    signature: SignatureView
    provenance: ProvenanceView | None = Field(description="null: the image has none of Kaito's.")
    fits_model: bool | None = Field(
        description="Whether it was tuned from the model that serves it; null: not known."
    )


class LineageView(View):
    namespace: str
    name: str
    model: str | None = Field(description="The model that the Workspace serves.")
    adapters: list[AdapterLineage]


def lineage(workspace: Manifest, found: list[tuple[ServedAdapter, str, Evidence]]) -> LineageView:
    """`found` has for each adapter the image by its digest, and what is known of it."""
    key, model = key_of(workspace), facts.model_of(workspace)
    return LineageView(
        namespace=key.namespace,
        name=key.name,
        model=model,
        adapters=[_adapter(adapter, image, known, model) for adapter, image, known in found],
    )


def is_proven(view: LineageView) -> bool:
    """Whether every adapter's signature is verified."""
    return all(each.signature.state is SignatureState.VERIFIED for each in view.adapters)


def _adapter(
    adapter: ServedAdapter, image: str, known: Evidence, model: str | None
) -> AdapterLineage:
    provenance = known.provenance
    return AdapterLineage(
        name=adapter.name,
        origin=adapter.origin,
        image=image or None,
        signature=SignatureView(
            state=known.state,
            detail=known.detail,
            signed_by=known.signed_by or None,
            verified_by_pods=adapter.signed_by or None,
        ),
        provenance=_provenance(provenance, verified=known.verified) if provenance else None,
        fits_model=_fits(provenance, model),
    )


def _fits(provenance: Provenance | None, model: str | None) -> bool | None:
    if provenance is None or model is None or not provenance.base_model:
        return None
    return model.casefold() in (provenance.base_model.casefold(), provenance.hub_id.casefold())


def _provenance(found: Provenance, *, verified: bool) -> ProvenanceView:
    """Whoever may push can write anything into one that is not verified."""
    files = [DatasetFileView(name=file.name, digest=file.digest) for file in found.dataset_files]
    figures = {name: value for name, value in found.results.items() if _is_number(value)}
    return ProvenanceView(
        verified=verified,
        base_model=found.base_model,
        hub_id=found.hub_id or None,
        method=found.method,
        workspace=found.workspace or None,
        dataset_urls=list(found.dataset_urls),
        dataset_digest=found.dataset_digest,
        dataset_files=files,
        config_digest=found.config_digest,
        finished_at=found.finished_at or None,
        versions={str(name): str(version) for name, version in found.versions.items()},
        results=figures,
    )


def _is_number(value: object) -> bool:
    """Whether JSON has a number for it, and so whether people do."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        # A whole number with more digits than any float.
        return False
