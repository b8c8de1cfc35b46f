"""The page of the InferenceSet: fields, rules and columns, from its CRD."""

from kaito_api.crd import inference_set
from tools.docgen.markdown import page, prose, table
from tools.docgen.workspace import RULES, columns, rules, section, versions

_INTRODUCTION = prose(
    "An InferenceSet keeps `spec.replicas` Workspaces that serve the same model: see "
    "[InferenceSets](../inference-sets.md). `spec.template.inference` is that of a "
    "[Workspace](workspace.md), with the same rules. Its Service has the same name. "
    "`kubectl scale`, an HPA and KEDA read and write the scale subresource."
)


def text() -> str:
    definition = inference_set.definition()
    stored = next(version for version in definition.versions if version.storage)
    return page(
        "InferenceSet",
        _INTRODUCTION,
        versions(definition),
        *(section(name, stored.schema) for name in ("spec", "status")),
        "## Rules",
        RULES,
        table(("At", "Message", "Rule"), rules("", stored.schema)),
        "## Columns",
        "`kubectl get inferenceset` prints these for every version; `-o wide` adds the wide ones.",
        columns(stored),
    )
