"""Jobs that check the data, their pods and the status that they leave, to decide about."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from kaito_api.conditions import rfc3339
from kaito_api.workspace import Tuning
from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import (
    CONFIG,
    NOW,
    container,
    observation,
    pod,
    stored,
    tuning,
    tuning_workspace,
)
from workspace_controller.manifests.tuning_revision import job_revision
from workspace_controller.observed import Observed
from workspace_controller.plan.decide import decide
from workspace_controller.plan.plan import Plan

CURRENT = job_revision(Tuning.model_validate(tuning()), CONFIG)
COMPLETE = {"conditions": [{"type": "Complete", "status": "True"}]}
BROKEN = {"reason": "DataUnreadable", "message": "train.parquet is a web page", "retryable": False}
AWAY = {"reason": "DataUnreachable", "message": "data.example does not answer", "retryable": True}


def ago(seconds: float) -> str:
    return rfc3339(NOW - timedelta(seconds=seconds))


def a_check(
    revision: str = CURRENT,
    *,
    seconds: float = 10,
    deleting: bool = False,
    status: Manifest | None = None,
) -> Manifest:
    metadata: Manifest = {
        "name": "ws.data-check",
        "uid": "job-1",
        "creationTimestamp": ago(seconds),
        "annotations": {"workspace.kaito.io/revision": revision},
    }
    if deleting:
        metadata["deletionTimestamp"] = ago(1)
    return {"metadata": metadata, "status": status or {}}


def checker(*, seconds: float = 10, last: Manifest | None = None, **state: Any) -> Manifest:
    """A pod of the check that was created so long ago."""
    made = pod("data-check", containerStatuses=[container("data-checker", last=last, **state)])
    made["metadata"]["creationTimestamp"] = ago(seconds)
    return made


def ended(report: Manifest) -> Manifest:
    return {"exitCode": 1, "message": json.dumps(report)}


def reported(
    status: str, reason: str, message: str = "", *, seconds: float = 900, generation: int = 1
) -> Manifest:
    """A Workspace whose status has that condition DataChecked since so long ago."""
    condition = {
        "type": "DataChecked",
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": ago(seconds),
        "observedGeneration": generation,
    }
    return {**stored(tuning_workspace()), "status": {"conditions": [condition]}}


def unscheduled(seconds: float) -> Manifest:
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "message": "0/3 nodes are available: 3 had untolerated taint sku=gpu",
        "lastTransitionTime": ago(seconds),
    }
    made = pod("data-check", conditions=[condition])
    made["metadata"]["creationTimestamp"] = ago(seconds)
    return made


def seen(manifest: Manifest | None = None, **changes: Any) -> Observed:
    return observation(stored(manifest or tuning_workspace()), **changes)


def checked(*pods: Manifest, check: Manifest | None = None, **changes: Any) -> Observed:
    return seen(data_check=check or a_check(), pods=pods, **changes)


def actions(plan: Plan) -> list[str]:
    """What is done about nodes and Jobs; the Service is created beside them."""
    made = [f"{type(action).__name__.lower()} {action.kind}" for action in plan.actions]
    return [text for text in made if "Service" not in text]


def recorded(observed: Observed) -> Observed:
    """The same, once a pass has written its status."""
    plan = decide(observed)
    if plan.status is None:
        return observed
    return replace(observed, workspace={**observed.workspace, "status": plan.status})


CREATE, REQUEST, DELETE = ["apply ConfigMap", "create Job"], ["create Machine"], ["delete Job"]
FAILED = {"conditions": [{"type": "Failed", "status": "True", "message": "a policy ended it"}]}
