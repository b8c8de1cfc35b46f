"""Why a model of the hub cannot be served, as a value to show to a user."""

from dataclasses import dataclass

from kaito_api.reasons import Reason


@dataclass(frozen=True, slots=True)
class ModelRefusal:
    """`problem` names the field and its value, `remedy` what to do about it."""

    reason: Reason
    problem: str
    remedy: str

    @property
    def message(self) -> str:
        return f"{self.problem}: {self.remedy}"


class Refused(Exception):
    """Ends the reading of a model's files; `facts.read_model` returns the refusal."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}: {remedy}")
        self.refusal = ModelRefusal(Reason.MODEL_NOT_SERVED, problem, remedy)
