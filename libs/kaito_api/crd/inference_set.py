"""The InferenceSet's CRD: KAITO's schema, short names and columns, with the rules of Workspaces."""

from typing import Any

from kaito_api import labels
from kaito_api.crd import workspace
from kaito_api.crd.definition import AGE, Column, Definition, Scale, Version, root
from kaito_api.crd.schema import structural
from kaito_api.crd.workspace import bound_strings, matches, rule
from kaito_api.inference_set import PERCENTAGE, InferenceSetSpec
from kaito_api.inference_set_status import InferenceSetStatus
from kaito_api.workspace import DNS_LABEL

Manifest = dict[str, Any]

# A Workspace's name has at most 52 characters, and six of them tell the replicas apart.
MAX_NAME = 46

COLUMNS = (
    Column(name="Replicas", path=".spec.replicas", type="integer"),
    Column(name="ReadyReplicas", path=".status.readyReplicas", type="integer"),
    AGE,
    Column(name="Updated", path=".status.updatedReplicas", type="integer", wide=True),
    Column(name="Nodes", path=".status.nodes", type="integer", wide=True),
    Column(
        name="RolledOut",
        path='.status.conditions[?(@.type=="RolledOut")].reason',
        wide=True,
    ),
)

_WHOLE = [
    rule(
        f"self.metadata.name.size() <= {MAX_NAME} && {matches('self.metadata.name', DNS_LABEL)}",
        f"metadata.name must be at most {MAX_NAME} characters of a-z, 0-9 and '-', start with a "
        "letter and not end with '-': it names the Service and begins the Workspaces' names",
    ),
]

_ROLLING_UPDATE = [
    rule(
        "!(has(self.maxSurge) && has(self.maxUnavailable)) || "
        "!(string(self.maxSurge) in ['0', '0%'] && string(self.maxUnavailable) in ['0', '0%'])",
        "with maxSurge 0 and maxUnavailable 0 nothing can be rolled out: raise one of them",
    ),
]

_AUTOSCALING = [
    rule(
        "!has(self.minReplicas) || self.minReplicas <= self.maxReplicas",
        "minReplicas must be at most maxReplicas",
    ),
]

# Besides x-kubernetes-int-or-string, the bound is for numbers and the pattern for strings.
_NUMBER_OR_PERCENTAGE = {"minimum": 0, "pattern": PERCENTAGE, "maxLength": 4}


def _spec() -> Manifest:
    spec = structural(InferenceSetSpec)
    properties = spec["properties"]
    template = properties["template"]["properties"]
    workspace.add_inference_rules(template["inference"])
    partition = template["resource"]["properties"]["partition"]
    partition["x-kubernetes-validations"] = workspace.PARTITION_RULES
    properties["labelSelector"]["x-kubernetes-validations"] = workspace.SELECTOR_RULES
    rolling = properties["updateStrategy"]["properties"]["rollingUpdate"]
    rolling["x-kubernetes-validations"] = _ROLLING_UPDATE
    properties["autoscaling"]["x-kubernetes-validations"] = _AUTOSCALING
    bound_strings(properties)
    for name in ("maxSurge", "maxUnavailable"):
        rolling["properties"][name] |= _NUMBER_OR_PERCENTAGE
    return spec


def definition() -> Definition:
    schema = root(
        {"spec": _spec(), "status": structural(InferenceSetStatus)},
        required=("spec",),
        rules=_WHOLE,
    )
    # CEL's cost estimate needs a bound on the name that a rule matches.
    schema["properties"]["metadata"]["properties"] = {"name": {"type": "string", "maxLength": 63}}
    scale = Scale(wanted=".spec.replicas", present=".status.replicas", selector=".status.selector")
    return Definition(
        group=labels.GROUP,
        kind="InferenceSet",
        plural="inferencesets",
        scope="Namespaced",
        short_names=("is", "isets"),
        categories=("inferenceset",),
        # One schema for both versions, so that no conversion webhook is needed.
        versions=(
            Version(name="v1beta1", schema=schema, columns=COLUMNS, storage=True, scale=scale),
            Version(name="v1alpha1", schema=schema, columns=COLUMNS, scale=scale),
        ),
    )
