"""Everything that a decision about one InferenceSet depends on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from pydantic import ValidationError

from kaito_api import labels
from kaito_api.conditions import parse_time
from kaito_api.inference_set import InferenceSetSpec, parse
from kaito_kube.kinds import Manifest, annotations_of, is_being_deleted
from workspace_controller.demand.history import SetDemand
from workspace_controller.inference_sets.plan.manifests import is_owned
from workspace_controller.inference_sets.plan.replica import Replica, replica_of
from workspace_controller.observed import Refusal
from workspace_controller.plan.spec import validation_text


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedSet:
    """`neighbors` are all Workspaces of the namespace, the set's own and others'.

    `service` has the set's name, whoever owns it. `requests` are those in flight, by Workspace,
    where they were asked for. `demand` is that at the front doors, and `node_price` what one node
    of a replica costs in dollars an hour; None where nobody knows it. `refusal` is set when the
    decision is repeated after a refused write.
    """

    manifest: Manifest
    now: datetime
    neighbors: tuple[Manifest, ...] = ()
    service: Manifest | None = None
    requests: Mapping[str, int] = field(default_factory=dict)
    demand: SetDemand = field(default_factory=SetDemand)
    node_price: Decimal | None = None
    refusal: Refusal | None = None

    @property
    def spec(self) -> InferenceSetSpec | str:
        """The spec, or what is wrong with it."""
        try:
            return parse(self.manifest)
        except ValidationError as error:
            return validation_text(error)

    @property
    def name(self) -> str:
        return str(self.manifest["metadata"]["name"])

    @property
    def deleting(self) -> bool:
        return is_being_deleted(self.manifest)

    @property
    def scaled_at(self) -> datetime | None:
        """When the built-in scaler last changed the number of replicas."""
        try:
            return parse_time(annotations_of(self.manifest).get(labels.SCALED_AT, ""))
        except ValueError:
            return None

    @property
    def status(self) -> Manifest:
        return self.manifest.get("status") or {}

    @property
    def workspaces(self) -> tuple[Manifest, ...]:
        """The set's own."""
        return tuple(w for w in self.neighbors if is_owned(self.manifest, w))

    @property
    def replicas(self) -> tuple[Replica, ...]:
        """In the order of their creation."""
        found = (replica_of(w, self.requests.get(w["metadata"]["name"])) for w in self.workspaces)
        return tuple(sorted(found, key=lambda replica: (replica.created, replica.name)))
