"""The page of the Workspace: fields, rules, annotations and columns, from its CRD."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kaito_api import labels
from kaito_api.crd import workspace
from kaito_api.crd.definition import Definition, Version
from tools.docgen.markdown import code, page, prose, table

Schema = dict[str, Any]

_INTRODUCTION = prose(
    "A Workspace requests nodes (`resource`) and either a model to serve (`inference`) or a model "
    "to fine-tune (`tuning`). It has no `spec`. Its Service has the same name. The API server sets "
    "the defaults and rejects manifests that break a rule, even while no controller runs."
)
RULES = prose(
    "These rules apply in addition to types, bounds and required fields. Rules with `oldSelf` "
    "apply to updates."
)
_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "maxProperties": "at most {} entries",
    "format": "a {}",
}
_ANNOTATIONS = (
    (
        labels.SERVE_TUNED_MODEL,
        '`"false"` releases the nodes of a tuning Workspace once its adapter is pushed. '
        "Otherwise the tuned model is served.",
    ),
    (
        labels.ENABLE_LOAD_BALANCER,
        '`"True"` makes the Service a LoadBalancer. It requires no credentials: keep it inside '
        "your network.",
    ),
    (
        labels.BYPASS_RESOURCE_CHECKS,
        "With any value, accepts instance types that are in no catalog, and skips the check "
        "whether the model fits the GPUs.",
    ),
    (
        labels.NODE_IMAGE_FAMILY,
        "Operating system of the nodes that gpu-provisioner creates: `ubuntu`, `ubuntu2204`, "
        "`ubuntu2404`, `azurelinux` or `azurelinux3`.",
    ),
    (
        labels.OS_DISK_TYPE,
        "`ephemeral` keeps the nodes' OS disk on the host, `managed` in Azure Storage.",
    ),
    (
        labels.GPU_DRIVER,
        "`none` makes AKS install no GPU driver, for nodes whose driver an operator installs.",
    ),
    (
        labels.GPU_INSTANCE_PROFILE,
        "`MIG1g` to `MIG7g` divides the nodes' GPUs into slices, if the instance type supports it.",
    ),
    (
        labels.SPOT_MAX_PRICE,
        "Price in US dollars per hour above which a spot node is evicted; `-1` is the price of an "
        "on-demand node.",
    ),
)


@dataclass(frozen=True, slots=True)
class Field:
    path: str
    schema: Schema
    required: bool


def text() -> str:
    definition = workspace.definition()
    stored = next(version for version in definition.versions if version.storage)
    return page(
        "Workspace",
        _INTRODUCTION,
        versions(definition),
        *(section(name, stored.schema) for name in ("resource", "inference", "tuning", "status")),
        "## Rules",
        RULES,
        table(("At", "Message", "Rule"), rules("", stored.schema)),
        "## Annotations",
        table(("Annotation", "Meaning"), ((code(name), text) for name, text in _ANNOTATIONS)),
        "## Columns",
        "`kubectl get workspace` prints these for every version; `-o wide` adds the wide ones.",
        columns(stored),
    )


def versions(definition: Definition) -> str:
    rows = (
        (
            code(f"{definition.group}/{version.name}"),
            "yes",
            "yes" if version.storage else "no",
            "shared" if version.schema == definition.versions[0].schema else "its own",
        )
        for version in definition.versions
    )
    names = ", ".join(map(code, (definition.plural, *definition.short_names)))
    return "\n\n".join(
        (
            f"Kind `{definition.kind}`, {definition.scope.lower()}; `kubectl get` accepts {names}.",
            table(("Version", "Served", "Stored", "Schema"), rows),
        )
    )


def section(name: str, schema: Schema) -> str:
    fields = _fields(name, schema["properties"][name], name in schema.get("required", ()))
    rows = (
        (
            code(field.path),
            _type(field.schema),
            code(field.schema["default"]) if "default" in field.schema else "",
            _bounds(field),
            field.schema.get("description", ""),
        )
        for field in fields
    )
    return f"## {name}\n\n{table(('Field', 'Type', 'Default', 'Bounds', 'Meaning'), rows)}"


def _fields(path: str, schema: Schema, required: bool) -> Iterator[Field]:
    yield Field(path, schema, required)
    yield from _children(path, schema)


def _children(path: str, schema: Schema) -> Iterator[Field]:
    needed = schema.get("required", ())
    for name, child in schema.get("properties", {}).items():
        yield from _fields(f"{path}.{name}", child, name in needed)
    if "items" in schema:
        yield from _children(f"{path}[]", schema["items"])


def _type(schema: Schema) -> str:
    if "items" in schema:
        return f"list of {_type(schema['items'])}"
    if "additionalProperties" in schema:
        return f"map of {_type(schema['additionalProperties'])}"
    return str(schema.get("type", "any"))


def _bounds(field: Field) -> str:
    schema = field.schema
    bounds = ["required"] if field.required else []
    if "enum" in schema:
        bounds.append(f"one of {', '.join(map(code, schema['enum']))}")
    bounds += [bound.format(schema[key]) for key, bound in _BOUNDS.items() if key in schema]
    return ", ".join(bounds)


def rules(path: str, schema: Schema) -> Iterator[tuple[str, str, str]]:
    for rule in schema.get("x-kubernetes-validations", ()):
        place = path + rule.get("fieldPath", "")
        yield code(place.lstrip(".")) or "(root)", rule["message"], code(rule["rule"])
    for name, child in schema.get("properties", {}).items():
        yield from rules(f"{path}.{name}".lstrip("."), child)
    if "items" in schema:
        yield from rules(f"{path}[]", schema["items"])


def columns(version: Version) -> str:
    rows = (
        (column.name.upper(), code(column.path), "yes" if column.wide else "")
        for column in version.columns
    )
    return table(("Column", "From", "Wide"), rows)
