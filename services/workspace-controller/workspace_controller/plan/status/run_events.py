"""The Events of a training: that it runs, and what its evaluations measured.

They follow from the difference between two reports, so a pass that changes nothing repeats none.
"""

from collections.abc import Iterator

from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest
from workspace_controller.plan.plan import EmitEvent


def run_events(before: Manifest, now: Manifest) -> tuple[EmitEvent, ...]:
    """What happened between two values of the status field `tuning`; either may be empty."""
    return (*_started(before, now), *_evaluated(before, now))


def _started(before: Manifest, now: Manifest) -> Iterator[EmitEvent]:
    if now.get("state") != "RUNNING":
        return
    total, resumed = now.get("totalSteps"), now.get("resumedStep")
    if resumed is not None and resumed != before.get("resumedStep"):
        note = f"the training resumes from its checkpoint at step {resumed} of {total}"
        yield EmitEvent(False, Reason.TRAINING_RESUMED, note)
    elif resumed is None and before.get("state") != "RUNNING":
        yield EmitEvent(False, Reason.TRAINING_STARTED, f"the training starts: {total} steps")


def _evaluated(before: Manifest, now: Manifest) -> Iterator[EmitEvent]:
    step, earlier = now.get("evalStep"), before.get("evalStep") or 0
    if step is None or step <= earlier:
        return
    change = f"; it was {before['evalLoss']} at step {earlier}" if "evalLoss" in before else ""
    note = (
        f"step {step} of {now.get('totalSteps')}: the loss on the rows held back is "
        f"{now.get('evalLoss')}{change}"
    )
    yield EmitEvent(False, Reason.ADAPTER_EVALUATED, note)
