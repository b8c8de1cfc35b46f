"""What is wrong with a Workspace, as the webhook and every pass find it."""

from dataclasses import dataclass

from kaito_api.reasons import Reason, is_permanent

_REFERENCES = frozenset(
    {Reason.CONFIG_MAP_MISSING, Reason.SECRET_MISSING, Reason.VOLUME_CLAIM_MISSING}
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a Workspace cannot be reconciled."""

    reason: Reason
    field: str
    message: str

    @property
    def permanent(self) -> bool:
        return is_permanent(self.reason)

    @property
    def may_come_later(self) -> bool:
        """Whether it is about an object that may be created, or completed, after the Workspace."""
        return self.reason in _REFERENCES

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"
