"""Decides about the Service of an InferenceSet: one address for the pods of all its Workspaces."""

from collections.abc import Iterable

from kaito_api.inference_set import InferenceSetSpec
from kaito_api.reasons import Reason
from kaito_kube.kinds import SERVICE, Manifest, is_being_deleted
from workspace_controller.inference_sets.plan import manifests
from workspace_controller.inference_sets.plan.observed import ObservedSet
from workspace_controller.inference_sets.plan.replica import Replica
from workspace_controller.manifests.metadata import revision_of
from workspace_controller.observed import Refusal
from workspace_controller.plan.plan import Apply, Delete
from workspace_controller.plan.serving.engines.own_engine import find_own_engine
from workspace_controller.plan.serving.engines.template_ports import http_port


def service_refusal(observed: ObservedSet) -> Refusal | None:
    """The set's name may be that of a Workspace, whose Service has the name then."""
    present = observed.service
    if present is None or is_being_deleted(present) or _is_own(observed, present):
        return None
    place = f"{observed.manifest['metadata']['namespace']}/{observed.name}"
    message = (
        f"{SERVICE} {place} exists and does not belong to this InferenceSet: delete it, or give "
        "the InferenceSet another name; the replicas serve without it"
    )
    return Refusal(reason=Reason.NAME_TAKEN, message=message)


def decide_service(
    observed: ObservedSet, spec: InferenceSetSpec, replicas: Iterable[Replica]
) -> Apply | Delete | None:
    """Applies the Service, restores one that was edited, and deletes one without a port."""
    present = observed.service
    if present is not None and (is_being_deleted(present) or not _is_own(observed, present)):
        return None
    wanted = _wanted(observed, spec, replicas)
    if wanted is None:
        namespace = observed.manifest["metadata"]["namespace"]
        return Delete(SERVICE, observed.name, namespace) if present is not None else None
    if present is not None and _is_as_wanted(present, wanted):
        return None
    return Apply(SERVICE, wanted, verify_owner=False)


def _wanted(
    observed: ObservedSet, spec: InferenceSetSpec, replicas: Iterable[Replica]
) -> Manifest | None:
    """None where the user's own pods declare no port."""
    template = spec.template.inference.template
    spans = template is None and _spans_nodes(replicas)
    annotations = spec.template.metadata.annotations
    if template is None or find_own_engine(annotations, template) is not None:
        return manifests.service(observed.manifest, None, first_pods_only=spans)
    port = http_port(template)
    if port is None:
        return None
    return manifests.service(observed.manifest, port, first_pods_only=False)


def _spans_nodes(replicas: Iterable[Replica]) -> bool:
    """Whether the pods that answer are the first ones of a model that spans nodes.

    Pods of a model on one node do not carry the label of a first pod. While a roll-out changes from
    one to the other, the replicas that serve decide: those that start must not take the old ones
    off the Service.
    """
    alive = [replica for replica in replicas if not replica.deleting]
    judged = [replica for replica in alive if replica.serving] or alive
    return any(replica.nodes > 1 for replica in judged)


def _is_own(observed: ObservedSet, present: Manifest) -> bool:
    return manifests.is_owned(observed.manifest, present)


def _is_as_wanted(present: Manifest, wanted: Manifest) -> bool:
    """The API server defaults most fields of a Service: those that people edit are compared."""
    has = present.get("spec") or {}
    ports = {(p.get("port"), p.get("targetPort")) for p in has.get("ports") or ()}
    return (
        revision_of(present) == revision_of(wanted)
        and has.get("selector") == wanted["spec"]["selector"]
        and ports >= {(p["port"], p["targetPort"]) for p in wanted["spec"]["ports"]}
    )
