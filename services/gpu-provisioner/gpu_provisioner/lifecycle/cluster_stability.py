"""Whether what is seen of pools and nodes can be taken at its word: the cluster runs, it is not
being started or stopped, and that has been so for long enough that its nodes could come back."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from gpu_provisioner.cloud.cluster_state import ClusterState

_FRESH = timedelta(seconds=15)
# Answers further apart than this say nothing of the time between them.
_LONGEST_GAP = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What is known of it at one moment. `steady_since` is None while the cluster is not steady,
    or not known to be; `woke` is when it was last seen to become so again."""

    state: ClusterState | None = None
    asked: datetime | None = None
    steady_since: datetime | None = None
    woke: datetime | None = None

    def is_fresh(self, now: datetime) -> bool:
        return self.asked is not None and now - self.asked <= _FRESH

    def is_settled(self, now: datetime, settle: timedelta) -> bool:
        return self.steady_since is not None and now - self.steady_since >= settle

    def taken(self, state: ClusterState, asked: datetime) -> "Power":
        """What is known after one more answer."""
        if not state.steady:
            return Power(state=state, asked=asked)
        unseen = self.asked is None or asked - self.asked > _LONGEST_GAP
        was_off = self.state is not None and not self.state.steady
        since = None if unseen else self.steady_since
        return Power(
            state=state,
            asked=asked,
            steady_since=since or asked,
            woke=asked if was_off else self.woke,
        )

    @property
    def words(self) -> str:
        """How the cluster stands, for messages."""
        if self.state is None:
            return "it is not known whether the AKS cluster runs"
        if not self.state.running:
            return "the AKS cluster is stopped"
        if not self.state.settled:
            return "the AKS cluster is being started, stopped or made"
        return f"the AKS cluster has been steady only since {self.steady_since:%H:%M:%S} UTC"


UNKNOWN = Power()
