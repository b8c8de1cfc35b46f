"""How long to wait before the cloud is called again after an error. Pure."""

from dataclasses import dataclass

from gpu_provisioner.cloud.errors import CloudError
from kaito_api.reasons import Reason


@dataclass(frozen=True, slots=True)
class Pause:
    """Doubles at each failure for the same reason, up to the maximum."""

    first_seconds: float
    max_seconds: float

    def after(self, failures: int) -> float:
        """Return the seconds after that many failures in a row, at least one."""
        return min(self.first_seconds * 2.0 ** min(failures - 1, 16), self.max_seconds)


# Somebody has to change a rule, a role or a network first. Asking more often than that helps
# nobody, and each refusal is a line in the owner's activity log.
_OWNER = Pause(60.0, 900.0)
_OPERATOR = Pause(60.0, 300.0)
_DEFAULT = Pause(15.0, 300.0)
PAUSES = {
    Reason.POLICY_DENIED: _OWNER,
    Reason.RESOURCE_LOCKED: _OWNER,
    Reason.LIMIT_REACHED: _OWNER,
    Reason.SUBNET_FULL: _OWNER,
    Reason.SUBNET_UNAUTHORIZED: _OPERATOR,
    Reason.SUBSCRIPTION_DISABLED: _OPERATOR,
    Reason.CLOUD_UNAUTHORIZED: Pause(30.0, 300.0),
    # The cloud is only busy.
    Reason.CLOUD_UNAVAILABLE: Pause(5.0, 60.0),
}


def pause_for(reason: Reason) -> Pause:
    return PAUSES.get(reason, _DEFAULT)


def retry_after_seconds(error: CloudError, failures: int = 1) -> float:
    """Return the seconds until the cloud is called again: what it asked for, or a pause that
    grows with the failures for the same reason."""
    return error.retry_after_seconds or pause_for(error.reason).after(failures)
