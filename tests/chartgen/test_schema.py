"""A chart's schema follows from its values file."""

from typing import Any

import pytest
import yaml

from tools.chartgen.schema import UntypedValueError, schema
from tools.chartgen.shapes import SHAPES, TEXT
from tools.chartgen.values import values


def _schema(source: str, *, subcharts: frozenset[str] = frozenset()) -> Any:
    return schema("t", yaml.safe_load(source), values(source), subcharts=set(subcharts))


@pytest.mark.parametrize(
    ("default", "expected"),
    [
        ("true", {"type": "boolean"}),
        ("1", {"type": "integer"}),
        ("1.5", {"type": "number"}),
        ("text", TEXT),
    ],
)
def test_type_is_that_of_the_default(default: str, expected: dict[str, Any]) -> None:
    built = _schema(f"# -- Meaning.\nkey: {default}\n")
    assert built["properties"]["key"] == {"description": "Meaning.", **expected}


def test_annotation_adds_to_the_type_and_names_shapes() -> None:
    built = _schema(
        "# -- A.\n# @schema {maximum: 5}\na: 1\n# -- B.\n# @schema {$ref: port}\nb: 1\n"
    )
    assert built["properties"]["a"] == {"description": "A.", "type": "integer", "maximum": 5}
    assert built["properties"]["b"] == {"description": "B.", **SHAPES["port"]}


def test_only_known_keys_are_allowed_at_every_level() -> None:
    built = _schema("group:\n  # -- Meaning.\n  key: 1\n")
    assert built["additionalProperties"] is False
    assert built["properties"]["group"]["additionalProperties"] is False


def test_subchart_may_be_enabled_and_sees_the_global_values() -> None:
    assert {"enabled", "global"} <= set(_schema("# -- A.\na: 1\n")["properties"])


def test_subchart_values_are_left_to_its_own_schema() -> None:
    built = _schema("sub:\n  # -- Install it.\n  enabled: true\n", subcharts=frozenset({"sub"}))
    assert "additionalProperties" not in built["properties"]["sub"]
    assert set(built["properties"]) == {"sub"}


@pytest.mark.parametrize("default", ["[]", "{}", "null"])
def test_value_without_a_recognizable_type_needs_an_annotation(default: str) -> None:
    with pytest.raises(UntypedValueError, match=r"^key: "):
        _schema(f"# -- Meaning.\nkey: {default}\n")


def test_unknown_shape_is_refused() -> None:
    with pytest.raises(UntypedValueError, match="no shape prot"):
        _schema("# -- Meaning.\n# @schema {$ref: prot}\nkey: 1\n")
