"""Whether missing pools and nodes are really gone: the cluster runs, it is not being started or
stopped, and has been steady for long enough that its nodes could come back."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from gpu_provisioner.cloud.cluster_state import ClusterState

# A state of at most this age still permits to delete what looks lost.
_FRESH = timedelta(seconds=15)
# The cluster may have been stopped and started between two states that are further apart.
_MAX_GAP = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterStability:
    """What this process knows about the cluster. `error` is why its state cannot be read at the
    moment, with the right that is missing. `steady_since` is None while the cluster is not
    steady or its state is unknown; `restarted_at` is when it was last seen to become steady
    again."""

    state: ClusterState | None = None
    requested_at: datetime | None = None
    steady_since: datetime | None = None
    restarted_at: datetime | None = None
    error: str = ""

    def is_fresh(self, now: datetime) -> bool:
        # A state from the future is not fresh: the clock adopts the API server's time late where
        # that did not respond when the process started.
        return self.requested_at is not None and timedelta() <= now - self.requested_at <= _FRESH

    def is_settled(self, now: datetime, settle: timedelta) -> bool:
        return self.steady_since is not None and now - self.steady_since >= settle

    def updated(self, state: ClusterState, requested_at: datetime) -> "ClusterStability":
        """Return what is known with one more state, requested at that moment."""
        if not state.steady:
            return ClusterStability(state=state, requested_at=requested_at)
        before = self.requested_at
        has_gap = before is None or not timedelta() <= requested_at - before <= _MAX_GAP
        was_unsteady = self.state is not None and not self.state.steady
        since = None if has_gap else self.steady_since
        return ClusterStability(
            state=state,
            requested_at=requested_at,
            steady_since=since or requested_at,
            restarted_at=requested_at if was_unsteady else self.restarted_at,
        )

    @property
    def description(self) -> str:
        """The state of the cluster, for messages."""
        if self.error:
            return f"the state of the AKS cluster cannot be read ({self.error})"
        if self.state is None:
            return "the state of the AKS cluster is unknown"
        if not self.state.running:
            return "the AKS cluster is stopped"
        if not self.state.settled:
            return "the AKS cluster is being created, started or stopped"
        return f"the AKS cluster has been steady only since {self.steady_since:%H:%M:%S} UTC"


UNKNOWN = ClusterStability()
