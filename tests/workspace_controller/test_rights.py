"""The chart gives the controller the rights that it uses, and no others."""

from collections import defaultdict
from dataclasses import replace

from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.fake import Call
from kaito_kube.kinds import Manifest
from tests.charts.render import render
from tests.workspace_controller.given import (
    NAMESPACE,
    inference_workspace,
    resource,
    settings,
    tuning_workspace,
)
from tests.workspace_controller.harness import Environment
from tests.workspace_controller.inference_sets.given_sets import inference_set, member
from tests.workspace_controller.inference_sets.set_environment import SetEnvironment
from workspace_controller.settings import NodeProvisioner
from workspace_controller.triggers import CHILD_KINDS

WATCHED = (kinds.NAMESPACE, kinds.NODE, *CHILD_KINDS)
UNWATCHED = (
    kinds.CONFIG_MAP,
    kinds.CONTROLLER_REVISION,
    kinds.VOLUME_CLAIM,
    kinds.STORAGE_CLASS,
)
# Who creates or applies an object reads who owns one of that name.
VERBS = {
    "create": {"create", "get"},
    "apply": {"create", "patch", "get"},
    "delete": {"delete"},
    "get": {"get"},
    "list": {"list"},
}


def granted() -> dict[tuple[str, str], set[str]]:
    """The verbs by API group and plural."""
    name = "kaito-workspace-controller"
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for role in render():
        if role["kind"] == "ClusterRole" and role["metadata"]["name"] == name:
            for rule in role["rules"]:
                for group in rule["apiGroups"]:
                    for plural in rule["resources"]:
                        found[group, plural] |= set(rule["verbs"])
    return found


async def lives() -> list[Call]:
    """All calls of Workspaces that are tuned, served and deleted, with nodes from everywhere."""
    calls: list[Call] = []
    for provisioner in NodeProvisioner:
        environment = Environment(settings(node_provisioner=provisioner))
        environment.push_secret()
        default = {"storageclass.kubernetes.io/is-default-class": "true"}
        disk = {"metadata": {"name": "disk", "annotations": default}, "provisioner": "disk"}
        environment.cluster.seed(kinds.STORAGE_CLASS, disk)
        type_ = {} if provisioner is not NodeProvisioner.BYO else {"instanceType": None}
        environment.apply(tuning_workspace(resource=resource(**type_)))
        environment.apply(inference_workspace("served", resource=resource(**type_)))
        # A Namespace that the watch has not shown yet is read.
        environment.replica.look()
        environment.replica.store.replace_all(kinds.NAMESPACE, ())
        await environment.replica.reconciler.reconcile(kinds.Key(NAMESPACE, "served"))
        await _rounds(environment)
        off = replace(environment.settings, network_policies=False)
        environment.settings = off
        environment.replica = environment.new_replica()
        portless: Manifest = {
            "inference": {"preset": None, "template": {"spec": {"containers": []}}}
        }
        await environment.cluster.patch(kinds.WORKSPACE, "served", portless, namespace=NAMESPACE)
        await _rounds(environment)
        for name in ("ws", "served"):
            await environment.cluster.delete(kinds.WORKSPACE, name, NAMESPACE)
        await _rounds(environment)
        calls += environment.cluster.calls
    return calls


async def lives_of_sets() -> list[Call]:
    """All calls for an InferenceSet that KAITO left: adopted, scaled both ways, and deleted."""
    made = SetEnvironment()
    given = inference_set(replicas=1)
    given["metadata"]["finalizers"] = [labels.KAITO_SET_FINALIZER]
    left = member(given, "phi-x7k2p")
    del left["metadata"]["labels"][labels.TEMPLATE_HASH]
    cluster = made.environment.cluster
    cluster.seed(kinds.INFERENCE_SET, given)
    cluster.seed(kinds.WORKSPACE, left)
    for replicas in (2, 1):
        made.change(replicas=replicas)
        await made.settle()
    await cluster.delete(kinds.INFERENCE_SET, "phi", NAMESPACE)
    await made.settle()
    return cluster.calls


async def test_controller_may_write_the_workspaces_of_sets_and_their_status() -> None:
    calls, has = await lives_of_sets(), granted()
    for kind, read in ((kinds.INFERENCE_SET, "get"), (kinds.WORKSPACE, "get")):
        verbs = {call.verb for call in calls if call.kind is kind}
        used = {"list", "watch", read} | {verb for verb in verbs if " " not in verb}
        # The test itself deletes the set.
        used -= {"delete"} if kind is kinds.INFERENCE_SET else set()
        assert has[kind.group, kind.plural] == used, kind
        assert has[kind.group, f"{kind.plural}/status"] == {"patch"}


async def _rounds(environment: Environment) -> None:
    for _ in range(16):
        await environment.replica.round()
        environment.world.step()
        environment.clock.advance(5)


async def test_controller_has_the_rights_that_it_uses_and_no_others() -> None:
    calls, has = await lives(), granted()
    for kind in (*WATCHED, *UNWATCHED):
        # A model that spans nodes is a StatefulSet, and is treated as a Deployment is.
        acts_as = kinds.DEPLOYMENT if kind is kinds.STATEFUL_SET else kind
        used = {"list", "watch"} if kind in WATCHED else set()
        # Pods of a model that spans nodes, of which these Workspaces have none (test_group.py).
        used |= {"delete"} if kind is kinds.POD else set()
        # The oldest of more than ten (test_revisions.py).
        used |= {"delete"} if kind is kinds.CONTROLLER_REVISION else set()
        used |= {verb for call in calls if call.kind is acts_as for verb in VERBS[call.verb]}
        assert has[kind.group, kind.plural] == used, kind
