"""Decides about the NetworkPolicy of the pods that serve a model."""

from kaito_api.workspace import WorkspaceSpec
from kaito_kube.kinds import NETWORK_POLICY, is_being_deleted
from workspace_controller.manifests.metadata import revision_of
from workspace_controller.manifests.network_policy import network_policy
from workspace_controller.observed import Observed
from workspace_controller.plan.model_source import delivery
from workspace_controller.plan.nodes.provisioning import NodePlan
from workspace_controller.plan.plan import Action, Apply, Delete
from workspace_controller.plan.serving.adapters.adapter_delivery import (
    circumstances,
    pulls_adapters,
)
from workspace_controller.plan.serving.adapters.pulled_adapters import registry_of, wanted_pulls
from workspace_controller.plan.serving.adapters.served import pulls
from workspace_controller.plan.spec import preset_ref
from workspace_controller.settings import ModelDelivery


def decide_network_policy(
    observed: Observed, spec: WorkspaceSpec, nodes: NodePlan
) -> tuple[Action, ...]:
    """Applies the policy before there are pods, and restores one that was edited.

    Pods of a user's own template have ports that only the user knows, so they have no policy.
    """
    present, owner = observed.network_policy, observed.owner
    custom = spec.inference is not None and spec.inference.template is not None
    if custom or not observed.settings.network_policies:
        if present is None or is_being_deleted(present):
            return ()
        return (Delete(NETWORK_POLICY, owner.name, owner.namespace),)
    ref = preset_ref(spec)
    wanted = network_policy(
        owner,
        observed.settings,
        downloads=ref is not None and delivery(observed, ref) is ModelDelivery.HUB,
        spans_nodes=nodes.target > 1,
        registry_ports=_registry_ports(observed, spec, nodes),
    )
    if present is None:
        return (Apply(NETWORK_POLICY, wanted, verify_owner=True),)
    # The API server adds nothing to such a spec, so all of it is compared.
    is_as_wanted = (
        revision_of(present) == revision_of(wanted) and present.get("spec") == wanted["spec"]
    )
    if is_being_deleted(present) or is_as_wanted:
        return ()
    return (Apply(NETWORK_POLICY, wanted, verify_owner=False),)


def _registry_ports(observed: Observed, spec: WorkspaceSpec, nodes: NodePlan) -> frozenset[int]:
    """The ports of the registries that adapters are pulled from.

    Registries send clients on to token servers and storage, which nearly always are at 443.
    """
    workload = observed.workload
    # A workload that waits for its turn in a rollout still pulls.
    pulls_now = workload is not None and pulls(workload["spec"].get("template") or {})
    now = circumstances(observed, spec, nodes.target)
    if not pulls_now and not pulls_adapters(observed, spec, now):
        return frozenset()
    ports = set[int]()
    for adapter in wanted_pulls(spec, observed.settings):
        _, _, port = registry_of(adapter.image).rpartition(":")
        default = 80 if adapter.plain_http else 443
        ports |= {443, int(port) if port.isdigit() else default}
    return frozenset(ports)
