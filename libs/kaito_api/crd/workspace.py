"""The Workspace's CRD: the schema of the types, CEL rules and columns.

Every rule that needs only the manifest is here, so that the API server rejects an invalid manifest
even if no controller runs.
"""

from typing import Any

from kaito_api import labels
from kaito_api.crd.definition import AGE, Column, Definition, Version, root
from kaito_api.crd.schema import structural
from kaito_api.status import WorkspaceStatus
from kaito_api.workspace import DNS_LABEL, DNS_SUBDOMAIN, IMAGE, WorkspaceSpec

Manifest = dict[str, Any]

_TAGGED = r".+/[^/:]+:[^/:@]+$"


def rule(expression: str, message: str, path: str = "", **extra: Any) -> Manifest:
    result: Manifest = {"rule": expression, "message": message, **extra}
    if path:
        result["fieldPath"] = path
    return result


def matches(field: str, pattern: str) -> str:
    """A CEL match with a raw string, which keeps the pattern's backslashes."""
    return f"{field}.matches(r'{pattern}')"


def _condition(type_: str) -> str:
    return f'.status.conditions[?(@.type=="{type_}")].status'


COLUMNS = (
    Column(name="Instance", path=".resource.instanceType"),
    Column(name="ResourceReady", path=_condition("ResourceReady")),
    Column(name="InferenceReady", path=_condition("InferenceReady")),
    Column(name="WorkspaceReady", path=_condition("WorkspaceReady")),
    AGE,
    Column(name="State", path=".status.state", wide=True),
    Column(name="Progress", path=".status.progress", wide=True),
    Column(name="Loss", path=".status.tuning.loss", wide=True),
    Column(name="EvalLoss", path=".status.tuning.evalLoss", wide=True),
    Column(name="ETA", path=".status.eta", wide=True),
    Column(name="Nodes", path=".status.nodes", wide=True),
    Column(name="Cost/h", path=".status.costPerHour", wide=True),
)

_WHOLE = [
    rule(
        "has(self.inference) != has(self.tuning)",
        "set exactly one of inference (serve a model) and tuning (fine-tune one)",
    ),
    rule(
        "has(self.inference) == has(oldSelf.inference) && has(self.tuning) == has(oldSelf.tuning)",
        "inference and tuning cannot be exchanged: delete the Workspace and create a new one",
    ),
    # 52 as for CronJobs: a label holds 63 characters, and derived names append up to 11.
    rule(
        f"self.metadata.name.size() <= 52 && {matches('self.metadata.name', DNS_LABEL)}",
        "metadata.name must be at most 52 characters of a-z, 0-9 and '-', start with a letter and "
        "not end with '-': it names the Service, the Job and their pods",
    ),
    rule(
        "!has(self.tuning) || !has(self.resource.partition)",
        "tuning uses whole GPUs: leave resource.partition out",
        ".resource.partition",
    ),
]

_RESERVED = ", ".join(f"'{key}'" for key in sorted(labels.RESERVED_SELECTOR_KEYS))

_RESOURCE = [
    rule("!has(oldSelf.count) || !has(self.count) || self.count == oldSelf.count",
          "field is immutable: delete the Workspace and create a new one", ".count"),
    rule("self.labelSelector == oldSelf.labelSelector",
          "field is immutable: delete the Workspace and create a new one", ".labelSelector"),
    rule("has(self.partition) == has(oldSelf.partition) && "
          "(!has(self.partition) || self.partition == oldSelf.partition)",
          "field is immutable: delete the Workspace and create a new one", ".partition"),
    rule("!has(oldSelf.instanceType) || !has(self.instanceType) || "
          "self.instanceType == oldSelf.instanceType",
          "instanceType cannot be changed once set: delete the Workspace and create a new one",
          ".instanceType"),
]  # fmt: skip

SELECTOR_RULES = [
    rule(
        f"(has(self.matchLabels) && self.matchLabels.exists(k, !(k in [{_RESERVED}]))) || "
        "(has(self.matchExpressions) && "
        f"self.matchExpressions.exists(e, !(e.key in [{_RESERVED}])))",
        "name at least one label of your own, for example matchLabels: {app: my-model}",
    ),
]

PARTITION_RULES = [
    rule("self.mode != 'mig' || (has(self.profile) && !has(self.count))",
          "mode mig takes a profile such as 1g.10gb and no count"),
    rule("self.mode != 'accelerator' || (has(self.count) && !has(self.profile))",
          "mode accelerator takes a count and no profile"),
]  # fmt: skip

_INFERENCE_IMMUTABLE = [
    rule("has(self.preset) == has(oldSelf.preset)",
          "preset and template cannot be exchanged: delete the Workspace and create a new one"),
    rule("!has(self.preset) || !has(oldSelf.preset) || self.preset == oldSelf.preset",
          "field is immutable: delete the Workspace and create a new one", ".preset"),
]  # fmt: skip

_INFERENCE = [
    rule("has(self.preset) != has(self.template)",
          "set exactly one of preset (a model of the catalog) and template (your own pods)"),
    rule("!has(self.adapters) || self.adapters.all(a, has(a.source.name))",
          "every adapter needs source.name: requests select it by that name", ".adapters"),
    rule("!has(self.adapters) || self.adapters.all(a, !has(a.source.name) || "
          "self.adapters.exists_one(b, has(b.source.name) && b.source.name == a.source.name))",
          "two adapters have the same source.name", ".adapters"),
    rule("!has(self.adapters) || self.adapters.size() == 0 || has(self.preset)",
          "adapters need a preset; with a template, mount them yourself", ".adapters"),
]  # fmt: skip

_ADAPTER = [
    rule("(has(self.source.image) ? 1 : 0) + (has(self.source.volumeSource) ? 1 : 0) + "
          "(has(self.source.workspace) ? 1 : 0) == 1",
          "set exactly one of source.image, source.volumeSource and source.workspace", ".source"),
    rule(f"!has(self.source.workspace) || {matches('self.source.workspace', DNS_LABEL)}",
          "not the name of a Workspace: use a-z, 0-9 and '-'", ".source.workspace"),
    rule("!has(self.source.volumeSource) || (!has(self.source.verificationSecret) && "
          "!has(self.source.caConfigMap))",
          "verificationSecret and caConfigMap are for images, which are pulled from a registry",
          ".source"),
    rule("!has(self.source.verificationSecret) || "
          f"{matches('self.source.verificationSecret', DNS_SUBDOMAIN)}",
          "not the name of a Secret: use a-z, 0-9, '-' and '.'", ".source.verificationSecret"),
    rule("!has(self.source.caConfigMap) || "
          f"{matches('self.source.caConfigMap', DNS_SUBDOMAIN)}",
          "not the name of a ConfigMap: use a-z, 0-9, '-' and '.'", ".source.caConfigMap"),
    rule("!has(self.source.urls) || self.source.urls.size() == 0",
          "an adapter comes from an image or a volume, not from urls", ".source.urls"),
    rule("!has(self.source.accessSecret)",
          "accessSecret is for data: an adapter's image is pulled with imagePullSecrets",
          ".source.accessSecret"),
    rule(f"!has(self.source.name) || {matches('self.source.name', DNS_SUBDOMAIN)}",
          "source.name may contain a-z, 0-9, '-' and '.', and must start and end with a letter or "
          "digit", ".source.name"),
    rule(matches("self.strength", r"^(0(\.[0-9]+)?|1(\.0+)?)$"),
          "strength must be a number from 0 to 1, for example \"0.5\"", ".strength"),
]  # fmt: skip

_PRESET = [
    rule(
        "self.accessMode != 'private' || "
        "(has(self.presetOptions) && has(self.presetOptions.image))",
        "accessMode private needs presetOptions.image: the image that holds the model",
        ".presetOptions",
    ),
]

_TUNING = [
    rule("self.preset == oldSelf.preset",
          "field is immutable: delete the Workspace and create a new one", ".preset"),
    rule("self.method == oldSelf.method",
          "field is immutable: delete the Workspace and create a new one", ".method"),
    rule(f"!has(self.trackingSecret) || {matches('self.trackingSecret', DNS_SUBDOMAIN)}",
          "not the name of a Secret: use a-z, 0-9, '-' and '.'", ".trackingSecret"),
]  # fmt: skip

_INPUT = [
    rule(
        "(has(self.urls) && self.urls.size() > 0 ? 1 : 0) + (has(self.image) ? 1 : 0) + "
        "(has(self.volumeSource) ? 1 : 0) == 1",
        "set exactly one of urls, image and volumeSource",
    ),
    # By prefixes: regular expressions over this many URLs exceed the API server's limit on cost.
    rule("!has(self.urls) || self.urls.all(u, ['https://', 'http://', 's3://', 'gs://', 'az://', "
          "'abfs://', 'abfss://', 'hf://datasets/'].exists(s, u.startsWith(s)))",
          "every entry must be an https://, http://, s3://, gs://, az://, abfss:// or "
          "hf://datasets/ URL", ".urls"),
    rule("!has(self.accessSecret) || (has(self.urls) && self.urls.size() > 0)",
          "accessSecret opens urls; an image is pulled with imagePullSecrets", ".accessSecret"),
    rule(f"!has(self.accessSecret) || {matches('self.accessSecret', DNS_SUBDOMAIN)}",
          "not the name of a Secret: use a-z, 0-9, '-' and '.'", ".accessSecret"),
    rule(f"!has(self.image) || {matches('self.image', IMAGE)}",
          "not an image reference: expected registry/repository:tag", ".image"),
]  # fmt: skip

_OUTPUT = [
    rule("has(self.image) != has(self.volumeSource)",
          "set exactly one of image and volumeSource"),
    rule("!has(self.image) || (has(self.imagePushSecret) && self.imagePushSecret.size() > 0)",
          "an image needs imagePushSecret: kubectl create secret docker-registry",
          ".imagePushSecret"),
    rule(f"!has(self.image) || ({matches('self.image', IMAGE)} && "
          f"{matches('self.image', _TAGGED)})",
          "must name registry, repository and tag, for example myacr.azurecr.io/adapters/phi:1",
          ".image"),
    rule("has(self.image) || (!has(self.signingSecret) && !has(self.caConfigMap) && "
          "!self.overwrite)",
          "signingSecret, caConfigMap and overwrite are for an image: set image, or remove them"),
    rule(f"!has(self.signingSecret) || {matches('self.signingSecret', DNS_SUBDOMAIN)}",
          "not the name of a Secret: use a-z, 0-9, '-' and '.'", ".signingSecret"),
    rule(f"!has(self.caConfigMap) || {matches('self.caConfigMap', DNS_SUBDOMAIN)}",
          "not the name of a ConfigMap: use a-z, 0-9, '-' and '.'", ".caConfigMap"),
]  # fmt: skip


def _properties() -> Manifest:
    """The schema of the types, with each rule at the object that it validates."""
    properties = structural(WorkspaceSpec)["properties"]
    resource, inference, tuning = (properties[k] for k in ("resource", "inference", "tuning"))
    add_inference_rules(inference)
    inference["x-kubernetes-validations"] = [*_INFERENCE, *_INFERENCE_IMMUTABLE]
    targets = (
        (resource, _RESOURCE),
        (resource["properties"]["labelSelector"], SELECTOR_RULES),
        (resource["properties"]["partition"], PARTITION_RULES),
        (tuning, _TUNING),
        (tuning["properties"]["preset"], _PRESET),
        (tuning["properties"]["input"], _INPUT),
        (tuning["properties"]["output"], _OUTPUT),
    )
    for target, rules in targets:
        target["x-kubernetes-validations"] = rules
    # The same file twice would count double in the training.
    tuning["properties"]["input"]["properties"]["urls"]["x-kubernetes-list-type"] = "set"
    bound_strings(properties)
    return {**properties, "status": structural(WorkspaceStatus)}


def add_inference_rules(inference: Manifest) -> None:
    """Adds the rules of `inference` that do not depend on what it was before."""
    inference["x-kubernetes-validations"] = _INFERENCE
    inference["properties"]["preset"]["x-kubernetes-validations"] = _PRESET
    adapter = inference["properties"]["adapters"]["items"]
    adapter["x-kubernetes-validations"] = _ADAPTER


def bound_strings(node: Manifest) -> None:
    """Adds bounds to strings, maps and lists: the API server limits a rule's estimated cost, which
    it computes from the largest possible input."""
    if node.get("type") == "string" and "enum" not in node:
        node.setdefault("maxLength", 2048)
    if isinstance(node.get("additionalProperties"), dict):
        node.setdefault("maxProperties", 16)
        bound_strings(node["additionalProperties"])
    for child in (node.get("properties") or {}).values():
        bound_strings(child)
    if "items" in node:
        node.setdefault("maxItems", 100)
        bound_strings(node["items"])


def definition() -> Definition:
    schema = root(_properties(), required=("resource",), rules=_WHOLE)
    # CEL's cost estimate needs a bound on the name that a rule matches.
    schema["properties"]["metadata"]["properties"] = {"name": {"type": "string", "maxLength": 63}}
    return Definition(
        group=labels.GROUP,
        kind="Workspace",
        plural="workspaces",
        scope="Namespaced",
        short_names=("wk", "wks"),
        categories=("workspace",),
        # One schema for both versions, so that no conversion webhook is needed.
        versions=(
            Version(name="v1beta1", schema=schema, columns=COLUMNS, storage=True),
            Version(name="v1alpha1", schema=schema, columns=COLUMNS),
        ),
    )
