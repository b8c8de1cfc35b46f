"""Schemas that several values share. `# @schema {$ref: NAME}` in a values file names one."""

from typing import Any

from kaito_process.environment import MAX_SECONDS

Schema = dict[str, Any]

# YAML turns an unquoted 1.10 into the number 1.1 before any template sees it, and 0123 or 1e3 into
# something else again. So text is never accepted as a number. JSON Schema has no field for a
# remedy; Helm prints the constant of the second branch, which accepts nothing that the first
# refuses.
_REMEDY = 'text in quotes, as in "1.10"; on the command line, use --set-string'
TEXT: Schema = {"anyOf": [{"type": "string"}, {"const": _REMEDY}]}

_DIGEST = "^(sha256:[0-9a-f]{64})?$"
# The selectors consist of these two: a pod with other values would belong to no Deployment.
_SELECTOR_LABELS = ["app.kubernetes.io/name", "app.kubernetes.io/instance"]
_TEXTS: Schema = {"type": "object", "additionalProperties": TEXT}
_QUANTITIES: Schema = {"type": "object", "additionalProperties": {"type": ["string", "number"]}}


def _object(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    schema: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**schema, "required": list(required)} if required else schema


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


_COUNT: Schema = {"type": "integer", "minimum": 0}

SHAPES: dict[str, Schema] = {
    "texts": _TEXTS,
    "podLabels": {**_TEXTS, "properties": dict.fromkeys(_SELECTOR_LABELS, False)},
    "names": _list(TEXT),
    "digest": {"type": "string", "pattern": _DIGEST},
    # Without a scheme and without a slash at the end.
    "registry": {"type": "string", "pattern": "^([^/:@ ]+(:[0-9]+)?(/[^/:@ ]+)*)?$"},
    "repository": {"type": "string", "pattern": "^([^/:@ ]+(:[0-9]+)?(/[^/:@ ]+)*)?$"},
    "port": {"type": "integer", "minimum": 1, "maximum": 65535},
    "count": {"type": "integer", "minimum": 1, "maximum": 2147483647},
    "seconds": {"type": "number", "minimum": 1, "maximum": MAX_SECONDS},
    "logLevel": {"enum": ["debug", "info", "warning", "error"]},
    "resources": _object(
        requests=_QUANTITIES, limits=_QUANTITIES, claims=_list({"type": "object"})
    ),
    "tolerations": _list(
        _object(
            key=TEXT,
            operator={"enum": ["Exists", "Equal", "Lt", "Gt"]},
            value=TEXT,
            effect={"enum": ["NoSchedule", "PreferNoSchedule", "NoExecute"]},
            tolerationSeconds={"type": "integer"},
        )
    ),
    "affinity": _object(
        nodeAffinity={"type": "object"},
        podAffinity={"type": "object"},
        podAntiAffinity={"type": "object"},
    ),
    "topologySpreadConstraints": _list(
        _object(
            ("maxSkew", "topologyKey", "whenUnsatisfiable"),
            maxSkew={"type": "integer", "minimum": 1},
            minDomains={"type": "integer", "minimum": 1},
            topologyKey=TEXT,
            whenUnsatisfiable={"enum": ["DoNotSchedule", "ScheduleAnyway"]},
            labelSelector={"type": "object"},
            matchLabelKeys=_list(TEXT),
            nodeAffinityPolicy={"enum": ["Honor", "Ignore"]},
            nodeTaintsPolicy={"enum": ["Honor", "Ignore"]},
        )
    ),
    "env": _list(_object(("name",), name=TEXT, value=TEXT, valueFrom={"type": "object"})),
}
