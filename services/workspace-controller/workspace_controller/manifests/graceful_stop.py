"""How the containers of a model's pod stop: one grace period, from which every other time follows.

At 0 the pod is deleted and leaves the Service's endpoints; the preStop hooks let clients and
kube-proxy notice. For two more seconds the gateway tells clients that connections end. Then it
accepts no more requests and finishes those in flight; the model-server stops a little later and is
done a little later, since the gateway calls it until its last answer. At the end of the grace
period the kubelet kills what is left.
"""

from dataclasses import dataclass

from kaito_kube.kinds import Manifest

# With the two seconds that the gateway itself goes on after SIGTERM (its server.py), this is how
# long kube-proxy and ingresses may take to stop sending requests to a pod that is deleted.
_GATEWAY_PRE_STOP_SECONDS = 3
_MODEL_SERVER_PRE_STOP_SECONDS = 7
# What is not for answers: the longer hook, and 3 seconds to free the model and exit.
_RESERVED_SECONDS = 10


@dataclass(frozen=True, slots=True)
class GracefulStop:
    """How one container stops: its preStop hook, then a drain."""

    pre_stop_seconds: int
    drain_seconds: int

    @property
    def lifecycle(self) -> Manifest:
        """The container's lifecycle hooks."""
        return {"preStop": {"sleep": {"seconds": self.pre_stop_seconds}}}


def stop_gateway(grace_period_seconds: int) -> GracefulStop:
    """How the gateway stops within its pod's grace period."""
    return GracefulStop(_GATEWAY_PRE_STOP_SECONDS, grace_period_seconds - _RESERVED_SECONDS)


def stop_model_server(grace_period_seconds: int) -> GracefulStop:
    """How the model-server stops within its pod's grace period."""
    return GracefulStop(_MODEL_SERVER_PRE_STOP_SECONDS, grace_period_seconds - _RESERVED_SECONDS)
