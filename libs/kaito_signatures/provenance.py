"""Where an adapter comes from: base model, data, settings and result of its training. Pure.

Written as a provenance of SLSA 1.0, which other tools read, and read back from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kaito_signatures.statement import PROVENANCE, Statement

# Names the form of the parameters below; docs/adapter-images.md describes it.
BUILD_TYPE = "https://kaito.sh/provenance/tuning/v1"
BUILDER = "https://kaito.sh/tuner"
_BASE_MODEL, _DATASET, _CONFIG = "base-model", "dataset", "training-config"
_SHA256 = "sha256:"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFile:
    """A file of the data: its name, and its digest "sha256:<hex>"."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """How an adapter was made. Digests are "sha256:<hex>"; an empty text is unknown.

    `dataset_urls` hold no credentials, and `results` are the figures of the training by name.
    """

    base_model: str
    method: str
    dataset_digest: str
    config_digest: str
    hub_id: str = ""
    workspace: str = ""
    dataset_urls: Sequence[str] = ()
    dataset_files: Sequence[DatasetFile] = ()
    finished_at: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    results: Mapping[str, float | int] = field(default_factory=dict)

    def to_statement(self, image_digest: str) -> Statement:
        """The statement that the image `image_digest` was made so."""
        run: dict[str, Any] = {"invocationId": self.workspace, "finishedOn": self.finished_at}
        return Statement(
            digests=(image_digest,),
            predicate_type=PROVENANCE,
            predicate={
                "buildDefinition": {
                    "buildType": BUILD_TYPE,
                    "externalParameters": {
                        "method": self.method,
                        "baseModel": self.base_model,
                        "datasetUrls": list(self.dataset_urls),
                    },
                    "internalParameters": {"results": dict(self.results)},
                    "resolvedDependencies": list(self._dependencies()),
                },
                "runDetails": {
                    "builder": {"id": BUILDER, "version": dict(self.versions)},
                    "metadata": {key: value for key, value in run.items() if value},
                },
            },
        )

    def _dependencies(self) -> Sequence[Mapping[str, Any]]:
        base: dict[str, Any] = {"name": _BASE_MODEL, "annotations": {"model": self.base_model}}
        if self.hub_id:
            base["uri"] = f"https://huggingface.co/{self.hub_id}"
        return (
            base,
            _resource(_DATASET, self.dataset_digest),
            *(_resource(f"{_DATASET}/{file.name}", file.digest) for file in self.dataset_files),
            _resource(_CONFIG, self.config_digest),
        )


def read_provenance(statement: Statement) -> Provenance | None:
    """The provenance that `statement` declares; None if it is of another kind.

    What it says is worth as much as its signature, which the caller verifies.
    """
    if statement.predicate_type != PROVENANCE:
        return None
    definition = _mapping(statement.predicate, "buildDefinition")
    if definition.get("buildType") != BUILD_TYPE:
        return None
    details = _mapping(statement.predicate, "runDetails")
    external = _mapping(definition, "externalParameters")
    metadata = _mapping(details, "metadata")
    listed = _list(definition, "resolvedDependencies")
    resources = [each for each in listed if isinstance(each, dict)]
    digests = {str(each.get("name")): _digest(each) for each in resources}
    base = next((each for each in resources if each.get("name") == _BASE_MODEL), {})
    prefix = f"{_DATASET}/"
    return Provenance(
        base_model=_text(external, "baseModel"),
        method=_text(external, "method"),
        hub_id=_text(base, "uri").removeprefix("https://huggingface.co/"),
        workspace=_text(metadata, "invocationId"),
        dataset_urls=tuple(str(each) for each in _list(external, "datasetUrls")),
        dataset_digest=digests.get(_DATASET, ""),
        dataset_files=tuple(
            DatasetFile(name=name.removeprefix(prefix), digest=digest)
            for name, digest in digests.items()
            if name.startswith(prefix)
        ),
        config_digest=digests.get(_CONFIG, ""),
        finished_at=_text(metadata, "finishedOn"),
        versions=_mapping(_mapping(details, "builder"), "version"),
        results=_mapping(_mapping(definition, "internalParameters"), "results"),
    )


def _resource(name: str, digest: str) -> Mapping[str, Any]:
    return {"name": name, "digest": {"sha256": digest.removeprefix(_SHA256)}}


def _mapping(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def _list(document: Mapping[str, Any], key: str) -> list[Any]:
    found = document.get(key)
    return found if isinstance(found, list) else []


def _text(document: Mapping[str, Any], key: str) -> str:
    return str(document.get(key) or "")


def _digest(resource: Mapping[str, Any]) -> str:
    sha256 = _mapping(resource, "digest").get("sha256")
    return f"{_SHA256}{sha256}" if sha256 else ""
