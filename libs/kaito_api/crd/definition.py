"""The envelope that all CustomResourceDefinitions share."""

from dataclasses import dataclass, field
from typing import Any

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of `kubectl get`; `wide` ones show with -o wide only."""

    name: str
    path: str
    type: str = "string"
    description: str = ""
    wide: bool = False

    def manifest(self) -> Manifest:
        column: Manifest = {"name": self.name, "type": self.type, "jsonPath": self.path}
        if self.description:
            column["description"] = self.description
        if self.wide:
            column["priority"] = 1
        return column


AGE = Column(name="Age", path=".metadata.creationTimestamp", type="date")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Where `kubectl scale`, an HPA and KEDA find the number of replicas, as JSON paths."""

    wanted: str
    present: str
    selector: str

    def manifest(self) -> Manifest:
        return {
            "specReplicasPath": self.wanted,
            "statusReplicasPath": self.present,
            "labelSelectorPath": self.selector,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    name: str
    schema: Manifest
    columns: tuple[Column, ...]
    storage: bool = False
    scale: Scale | None = None

    def manifest(self) -> Manifest:
        subresources: Manifest = {"status": {}}
        if self.scale is not None:
            subresources["scale"] = self.scale.manifest()
        return {
            "name": self.name,
            "served": True,
            "storage": self.storage,
            "subresources": subresources,
            "additionalPrinterColumns": [column.manifest() for column in self.columns],
            "schema": {"openAPIV3Schema": self.schema},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    group: str
    kind: str
    plural: str
    scope: str
    versions: tuple[Version, ...]
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    annotations: Manifest = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.plural}.{self.group}"

    def manifest(self) -> Manifest:
        names: Manifest = {
            "kind": self.kind,
            "listKind": f"{self.kind}List",
            "plural": self.plural,
            "singular": self.kind.lower(),
        }
        if self.short_names:
            names["shortNames"] = list(self.short_names)
        if self.categories:
            names["categories"] = list(self.categories)
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": self.name, "annotations": {**self.annotations}},
            "spec": {
                "group": self.group,
                "scope": self.scope,
                "names": names,
                "versions": [version.manifest() for version in self.versions],
            },
        }


def root(
    properties: Manifest, required: tuple[str, ...] = (), rules: list[Manifest] | None = None
) -> Manifest:
    """A resource's root schema: its own properties besides apiVersion, kind and metadata."""
    schema: Manifest = {
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            **properties,
        },
    }
    if required:
        schema["required"] = list(required)
    if rules:
        schema["x-kubernetes-validations"] = rules
    return schema
