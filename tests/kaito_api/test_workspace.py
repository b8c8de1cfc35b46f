"""Parsing Workspaces, and the CRD schemas of the types."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from kaito_api import workspace
from kaito_api.crd import karpenter
from kaito_api.crd import workspace as crd

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples").rglob("*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_valid_workspaces(path: Path) -> None:
    documents = yaml.safe_load_all(path.read_text())
    (manifest,) = [each for each in documents if each["kind"] == "Workspace"]
    spec = workspace.parse(manifest)
    assert spec.resource.instance_type
    assert (spec.tuning is None) != (spec.inference is None)


def test_selector_forms_are_combined() -> None:
    selector = workspace.LabelSelector.model_validate(
        {
            "matchLabels": {"a": "1"},
            "matchExpressions": [{"key": "b", "operator": "In", "values": ["2"]}],
        }
    )
    assert selector.labels() == {"a": "1", "b": "2"}


@pytest.mark.parametrize("operator", ["NotIn", "Exists"])
def test_selector_operator_must_be_in(operator: str) -> None:
    with pytest.raises(ValidationError, match="operator"):
        workspace.LabelSelectorRequirement.model_validate(
            {"key": "a", "operator": operator, "values": ["1"]}
        )


def _nodes(schema: dict[str, Any]) -> list[dict[str, Any]]:
    below = [*schema.get("properties", {}).values()]
    below += [schema[key] for key in ("items", "additionalProperties") if key in schema]
    return [schema, *(node for child in below for node in _nodes(child))]


DEFINITIONS = [crd.definition(), karpenter.machine(), karpenter.node_claim()]


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda definition: definition.kind)
def test_schemas_are_structural(definition: Any) -> None:
    for version in definition.versions:
        for node in _nodes(version.schema):
            assert "type" in node or "x-kubernetes-int-or-string" in node, node
            assert not {"$ref", "anyOf", "title"} & set(node), node


def test_one_version_is_stored_with_the_documented_columns() -> None:
    definition = crd.definition()
    assert [(v.name, v.storage) for v in definition.versions] == [
        ("v1beta1", True),
        ("v1alpha1", False),
    ]
    names = [column.name for column in definition.versions[0].columns if not column.wide]
    assert names == ["Instance", "ResourceReady", "InferenceReady", "WorkspaceReady", "Age"]
