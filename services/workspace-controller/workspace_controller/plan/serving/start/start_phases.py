"""The seconds of each phase of a start, from the times of claims, pods and containers."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from kaito_kube.kinds import NODE_POOL, Manifest
from workspace_controller.manifests.engine import ENGINE
from workspace_controller.manifests.pods import MODEL_COPY, MODEL_DOWNLOAD
from workspace_controller.manifests.serving_containers import MODEL_SERVER
from workspace_controller.observed import Claim
from workspace_controller.plan.pods.status import containers
from workspace_controller.plan.pods.times import (
    created_at,
    first_start,
    run_seconds,
    seconds_between,
    true_since,
)

# By the field of the status. What a model-server reports as "load" ends a phase that began before.
_REPORTED = {"warmUpSeconds": "warm-up", "adapterSeconds": "adapters"}


def slowest_claim(claims: Sequence[Claim], since: datetime) -> Manifest | None:
    """Of the nodes that were requested since then, the claim of the last to be ready."""
    timed = [
        (done, claim.manifest)
        for claim in claims
        if claim.kind is not NODE_POOL
        and (created := created_at(claim.manifest)) is not None
        and created >= since
        and (done := reached(claim.manifest, "Initialized")) is not None
    ]
    return max(timed, key=lambda each: each[0])[1] if timed else None


def node_phases(claim: Manifest) -> dict[str, float | None]:
    """From the request of a node until it is usable."""
    launched, registered = reached(claim, "Launched"), reached(claim, "Registered")
    return {
        "launchSeconds": seconds_between(created_at(claim), launched),
        "registrationSeconds": seconds_between(launched, registered),
        "initializationSeconds": seconds_between(registered, reached(claim, "Initialized")),
    }


def pod_phases(pod: Manifest, reported: Mapping[str, float]) -> dict[str, float | None]:
    """From the node's choice until the model answers; `reported` is the model-server's part."""
    by_name = {str(each.get("name")): each for each in containers(pod)}
    download = run_seconds(by_name.get(MODEL_DOWNLOAD) or by_name.get(MODEL_COPY))
    engine, server = by_name.get(ENGINE), by_name.get(MODEL_SERVER)
    loader = first_start(engine or server or _first_container(pod))
    until_it_runs = seconds_between(true_since(pod, "PodScheduled"), loader)
    load = reported.get("load")
    # An engine in a container of its own loads before model-server runs and waits for it.
    head_start = seconds_between(first_start(engine), first_start(server)) or 0.0
    return {
        "pullSeconds": None
        if until_it_runs is None
        else max(0.0, until_it_runs - (download or 0.0)),
        "downloadSeconds": download,
        "loadSeconds": None if load is None else load + head_start,
        **{field: reported.get(name) for field, name in _REPORTED.items()},
    }


def reached(claim: Manifest, stage: str) -> datetime | None:
    """A Machine's conditions can carry a prefix."""
    return true_since(claim, stage) or true_since(claim, f"Machine{stage}")


def _first_container(pod: Manifest) -> Manifest | None:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return next(iter(statuses), None)
