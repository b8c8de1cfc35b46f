"""The Event that says how long the start of a model took."""

from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest
from workspace_controller.plan.plan import EmitEvent
from workspace_controller.plan.status.duration import duration

_PHASES = {
    "launchSeconds": "machine",
    "registrationSeconds": "node",
    "initializationSeconds": "GPUs",
    "pullSeconds": "images",
    "downloadSeconds": "download",
    "loadSeconds": "load",
    "warmUpSeconds": "warm-up",
    "adapterSeconds": "adapters",
}


def start_events(before: Manifest, now: Manifest) -> tuple[EmitEvent, ...]:
    """What was recorded of a pod's start between two statuses."""
    startup = now.get("startup") or {}
    if "podUID" not in startup:
        return ()
    if startup["podUID"] == (before.get("startup") or {}).get("podUID"):
        return ()
    phases = [f"{name} {duration(startup[key])}" for key, name in _PHASES.items() if key in startup]
    parts = ", ".join(phases) or "its phases are not known"
    total = f" after {duration(startup['totalSeconds'])}" if "totalSeconds" in startup else ""
    note = f"pod {startup['pod']} answers{total}: {parts}{_speed(now)}"
    return (EmitEvent(False, Reason.MODEL_STARTED, note),)


def _speed(status: Manifest) -> str:
    metrics = (status.get("performance") or {}).get("metrics") or {}
    if "tokensPerSecond" not in metrics:
        return ""
    return f"; {metrics['tokensPerSecond']['value']} tokens/s for one answer alone"
