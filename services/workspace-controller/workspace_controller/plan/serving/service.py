"""Decides about the Service of a Workspace, and the headless one of a model that spans nodes."""

from kaito_api import labels
from kaito_api.workspace import WorkspaceSpec
from kaito_kube.kinds import SERVICE, Manifest, is_being_deleted
from workspace_controller.manifests.metadata import revision_of
from workspace_controller.manifests.service import Exposure, headless_service, service
from workspace_controller.manifests.workload import headless_name
from workspace_controller.observed import Observed
from workspace_controller.plan.nodes.provisioning import NodePlan
from workspace_controller.plan.plan import Action, Apply, Delete
from workspace_controller.plan.serving.engines.own_engine import own_engine
from workspace_controller.plan.serving.engines.template_ports import http_port
from workspace_controller.plan.tuning.phase import Phase
from workspace_controller.plan.tuning.run import TuningPlan

# Fields that people edit by hand, and that are restored. The API server defaults the others, so
# comparing the whole spec would never settle.
_RESTORED = ("type", "selector", "publishNotReadyAddresses")


def decide_service(
    observed: Observed, spec: WorkspaceSpec, nodes: NodePlan, tuning: TuningPlan | None
) -> tuple[Action, ...]:
    template = spec.inference.template if spec.inference is not None else None
    has_gateway = template is None or own_engine(observed) is not None
    own_port = None if has_gateway or template is None else http_port(template)
    if not has_gateway and own_port is None:
        # The user's own pods without a port cannot be reached through a Service.
        return _delete_service(observed, observed.owner.name)
    spans = nodes.target > 1 and template is None
    training = tuning is not None and tuning.phase is not Phase.DONE
    wanted = service(
        Exposure(
            owner=observed.owner,
            training=training,
            load_balancer=observed.annotations.get(labels.ENABLE_LOAD_BALANCER) == "True",
            first_pod_only=spans,
            http_port=own_port,
        )
    )
    actions = [*_apply_service(observed, wanted)]
    if spans:
        actions += _apply_service(observed, headless_service(observed.owner, training=training))
    elif spec.tuning is not None:
        actions += _delete_service(observed, headless_name(observed.owner))
    return tuple(actions)


def _delete_service(observed: Observed, name: str) -> tuple[Action, ...]:
    present = observed.services.get(name)
    if present is None or is_being_deleted(present):
        return ()
    return (Delete(SERVICE, name, observed.owner.namespace),)


def _apply_service(observed: Observed, wanted: Manifest) -> list[Action]:
    present = observed.services.get(wanted["metadata"]["name"])
    if present is None:
        return [Apply(SERVICE, wanted, verify_owner=True)]
    if is_being_deleted(present) or _is_as_wanted(present, wanted):
        return []
    return [Apply(SERVICE, wanted, verify_owner=False)]


def _is_as_wanted(present: Manifest, wanted: Manifest) -> bool:
    """Compares the revision and the fields that are restored.

    Ports that others own, such as those of KAITO's Service, are not removed by applying ours.
    """
    has, wants = present.get("spec") or {}, wanted["spec"]
    same = all(has.get(key) == wants[key] for key in _RESTORED if wants.get(key))
    ports = {(p.get("port"), p.get("targetPort")) for p in has.get("ports") or ()}
    return (
        same
        and revision_of(present) == revision_of(wanted)
        and ports >= {(p["port"], p["targetPort"]) for p in wants["ports"]}
    )
