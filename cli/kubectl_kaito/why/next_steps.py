"""The command to run next, by reason. Pure.

What to do in words is the reason's own remedy (`kaito_api.reasons`); these show the thing or change
it.
"""

from collections.abc import Mapping

from kaito_api import condition_types as types
from kaito_api.reasons import REASONS, Reason

_DESCRIBE = "kubectl -n {namespace} describe workspace {name}"
_CLAIM = "kubectl describe {claim}"
_NODE = "kubectl describe node {node}"
_POD = "kubectl -n {namespace} describe pod {pod}"
_LOGS = "kubectl -n {namespace} logs {pod} -c {container} --tail=50"
_PREVIOUS = "kubectl -n {namespace} logs {pod} -c {container} --previous --tail=50"
_EDIT = "kubectl -n {namespace} edit workspace {name}"
_WATCH = "kubectl kaito status {name} -n {namespace} --watch"
_PLAN = "kubectl kaito plan --model {model}"
_PROVISIONER_LOG = (
    "kubectl -n {release} logs -l app.kubernetes.io/name=gpu-provisioner --prefix --tail=50"
)
_POOLS = "az aks nodepool list -g {group} --cluster-name {cluster} -o table"
_CHECK_LOG = "kubectl -n {namespace} logs job/{name}.data-check --all-containers --tail=50"
_SETTINGS = "helm -n {release} get values kaito --all"
_DELETE = "kubectl -n {namespace} get all,workspace -l kaito.sh/workspace={name}"

_STEPS: Mapping[Reason, tuple[str, ...]] = {
    Reason.QUOTA_EXCEEDED: ("az vm list-usage --location {region} -o table", _PLAN),
    Reason.SKU_NOT_AVAILABLE: (
        "az vm list-skus --location {region} --size {instance_type} --all -o table",
        _PLAN,
    ),
    Reason.SUBSCRIPTION_DISABLED: ("az account show -o table",),
    Reason.INSUFFICIENT_CAPACITY: (_CLAIM, _PLAN),
    Reason.CLOUD_UNAUTHORIZED: (
        "kubectl -n {release} get serviceaccount -o yaml",
        "az role assignment list --all --assignee {identity} -o table",
    ),
    Reason.POLICY_DENIED: (_CLAIM, "az policy state list -g {group} --top 10 -o table"),
    Reason.SUBNET_UNAUTHORIZED: ("az role assignment list --all --assignee {identity} -o table",),
    Reason.SUBNET_FULL: (_CLAIM, _SETTINGS),
    Reason.LIMIT_REACHED: (_CLAIM, _POOLS),
    Reason.RESOURCE_LOCKED: ("az lock list -g {group} -o table",),
    Reason.NODE_SETUP_FAILED: (_CLAIM, _POOLS),
    Reason.CLOUD_UNAVAILABLE: (_PROVISIONER_LOG,),
    Reason.LAUNCH_FAILED: (_CLAIM, _PROVISIONER_LOG),
    Reason.LAUNCH_QUEUED: (_CLAIM,),
    Reason.LAUNCH_TIMEOUT: (_POOLS, _CLAIM),
    Reason.REGISTRATION_TIMEOUT: (_CLAIM, _POOLS),
    Reason.POOL_MISSING: (_POOLS,),
    Reason.POOL_SCALED: (_POOLS,),
    Reason.POOL_MARKS_LOST: (_CLAIM, _POOLS),
    Reason.NODES_NOT_READY: (_NODE, "kubectl -n {release} get pods -o wide"),
    Reason.NODE_UNHEALTHY: (_NODE,),
    Reason.INITIALIZATION_TIMEOUT: (_NODE, "kubectl -n {release} get pods -o wide"),
    Reason.NOT_ENOUGH_NODES: ("kubectl get nodes --show-labels",),
    Reason.PROVISIONER_MISSING: ("kubectl kaito doctor",),
    Reason.PROVISIONER_TOO_OLD: ("kubectl get crd nodepools.karpenter.sh -o yaml",),
    Reason.INVALID_REQUIREMENTS: (_CLAIM,),
    Reason.PRICE_OVER_LIMIT: (_PLAN,),
    Reason.PRICE_UNKNOWN: (_PLAN,),
    Reason.BUDGET_EXCEEDED: ("kubectl kaito cost -n {namespace}", _PLAN),
    Reason.BUDGET_INVALID: ("kubectl get namespace {namespace} -o yaml",),
    Reason.PRESET_UNKNOWN: ("kubectl kaito models", _EDIT),
    Reason.PRESET_NOT_TUNABLE: ("kubectl kaito models",),
    Reason.INSTANCE_TYPE_UNKNOWN: (_PLAN,),
    Reason.INSTANCE_TYPE_TOO_SMALL: (_PLAN,),
    Reason.INSTANCE_TYPE_REQUIRED: (_PLAN,),
    Reason.INSTANCE_TYPE_FORBIDDEN: (_EDIT,),
    Reason.CONFIG_MAP_MISSING: ("kubectl -n {namespace} get configmap",),
    Reason.SECRET_MISSING: ("kubectl -n {namespace} get secret",),
    Reason.VOLUME_CLAIM_MISSING: ("kubectl -n {namespace} get persistentvolumeclaim",),
    Reason.WORKSPACE_INVALID: (_EDIT,),
    Reason.DATA_UNREACHABLE: (_CHECK_LOG, _EDIT),
    Reason.DATA_UNREADABLE: (_CHECK_LOG, _EDIT),
    Reason.DATA_ROWS_LOST: (_CHECK_LOG,),
    Reason.DATA_COLUMN_MISSING: (_CHECK_LOG,),
    Reason.DATA_EMPTY: (_CHECK_LOG, _EDIT),
    Reason.DATA_TOO_LARGE: (_SETTINGS,),
    Reason.DATA_CHECK_RUNNING: (_CHECK_LOG,),
    Reason.CONFIG_INVALID: ("kubectl -n {namespace} get configmap -o yaml",),
    Reason.MODEL_LOAD_FAILED: (_LOGS,),
    Reason.OUT_OF_MEMORY: (_PLAN, _PREVIOUS),
    Reason.TRAINING_FAILED: (_LOGS,),
    Reason.PUSH_UNAUTHORIZED: ("kubectl -n {namespace} get secret",),
    Reason.REGISTRY_UNREACHABLE: (_LOGS,),
    Reason.PUSH_FAILED: (_LOGS,),
    Reason.SIGNING_KEY_INVALID: ("kubectl -n {namespace} get secret",),
    Reason.IMAGE_PULL_FAILED: (_POD,),
    Reason.CONTAINER_CRASHED: (_PREVIOUS, _POD),
    Reason.UNSCHEDULABLE: (_POD, "kubectl get nodes -o wide"),
    Reason.POD_FORBIDDEN: ("kubectl -n {namespace} describe resourcequota,limitrange",),
    Reason.POD_EVICTED: (_POD,),
    Reason.ADAPTER_NOT_LOADED: (_LOGS,),
    Reason.ADAPTER_NOT_VERIFIED: ("kubectl -n {namespace} get secret",),
    Reason.MODEL_LOADING: (_LOGS, _WATCH),
    Reason.UPDATE_HELD: ("kubectl kaito status -A",),
    Reason.UPDATE_FAILED: (_POD,),
    Reason.NAME_TAKEN: (_DELETE,),
    Reason.NAMESPACE_TERMINATING: ("kubectl get namespace {namespace} -o yaml",),
    Reason.ADMISSION_DENIED: ("kubectl -n {namespace} describe resourcequota,limitrange",),
    Reason.CLUSTER_UNAVAILABLE: ("kubectl kaito doctor",),
    Reason.DRAIN_BLOCKED: ("kubectl get poddisruptionbudget -A", _CLAIM),
    Reason.DRAIN_TIMEOUT: (_CLAIM,),
    Reason.TERMINATION_BLOCKED: ("kubectl get poddisruptionbudget -A", _CLAIM),
    Reason.TERMINATION_FAILED: (_CLAIM, _PROVISIONER_LOG),
}


_PODS = {types.JOB_STARTED, types.TUNING_SUCCEEDED, types.INFERENCE_READY}
_CLAIMS = {types.MACHINE_READY, types.LAUNCHED, types.REGISTERED, types.INSTANCE_TERMINATING}


class _Names(dict[str, str]):
    """What is not known stands as a variable of the shell, for the user to fill in."""

    def __missing__(self, name: str) -> str:
        return f"${name.upper()}"


def next_steps(reason: str, names: Mapping[str, str | None]) -> list[str]:
    """At least one command. `names` fill the placeholders, and None means that it is not known."""
    known = _Names({name: value for name, value in names.items() if value})
    member = REASONS.get(reason)
    steps = _STEPS.get(member, ()) if member is not None else ()
    if member is None:
        steps = (_DESCRIBE,)
    elif not steps:
        steps = _by_condition(member)
    return [step.format_map(known) for step in steps]


def _by_condition(reason: Reason) -> tuple[str, ...]:
    """Where to look, from what the reason can be about."""
    if reason.permanent:
        return (_DESCRIBE, _EDIT)
    about = {*reason.conditions}
    if about & _PODS:
        return (_POD, _WATCH)
    return (_CLAIM, _WATCH) if about & _CLAIMS else (_WATCH, _DESCRIBE)
