"""Ten kinds of trouble: how each is made, what the user then reads, and how it ends.

`python -m tools.demo.trouble` provokes them on the local cluster and prints the table."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from tools.demo import bad_data, cloud, manifests
from tools.demo.kubectl import CommandFailed, Kubectl, Waited, wait_for
from tools.demo.stage import PUSH_LOGIN, PUSH_REGISTRY, Stage, clear, set_stage
from tools.demo.timeline import Timeline
from tools.demo.walkthrough import applied_text

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """`break_` makes it (with the manifest, which it may change), `mend` takes the cause away:
    afterwards the Workspace recovers by itself. `words` must be in the message."""

    title: str
    condition: str
    reason: str
    words: str
    break_: Callable[[Kubectl, Manifest], None]
    mend: Callable[[Kubectl], None] | None = None
    seconds: float = 180


@dataclass(frozen=True, slots=True)
class Told:
    """What the user saw: the condition, and after how many seconds from `kubectl apply`."""

    condition: str
    status: str
    reason: str
    message: str
    seconds: float
    recovered: float | None = field(default=None)


def _url(address: str) -> Callable[[Kubectl, Manifest], None]:
    def change(_: Kubectl, manifest: Manifest) -> None:
        manifest["tuning"]["input"]["urls"] = [address]

    return change


def _image(reference: str) -> Callable[[Kubectl, Manifest], None]:
    def change(_: Kubectl, manifest: Manifest) -> None:
        manifest["tuning"]["output"]["image"] = reference

    return change


def _wrong_secret(kubectl: Kubectl, manifest: Manifest) -> None:
    user, _ = PUSH_LOGIN
    kubectl.apply(manifests.push_secret("trouble-push", PUSH_REGISTRY, user, "not the password"))
    manifest["tuning"]["output"]["imagePushSecret"] = "trouble-push"


def _right_secret(kubectl: Kubectl) -> None:
    kubectl.apply(manifests.push_secret("trouble-push", PUSH_REGISTRY, *PUSH_LOGIN))


def _no_secret(kubectl: Kubectl, manifest: Manifest) -> None:
    kubectl.delete("secret", "trouble-push")
    manifest["tuning"]["output"]["imagePushSecret"] = "trouble-push"


def _fault(kind: str, **options: object) -> Callable[[Kubectl, Manifest], None]:
    def change(_: Kubectl, __: Manifest) -> None:
        cloud.set_fault(kind, **options)

    return change


def _no_faults(_: Kubectl) -> None:
    cloud.clear_faults()


def _serve_the_data(kubectl: Kubectl) -> None:
    kubectl.run("scale", "deployment", "late-data", "--replicas=1")


def _late_data(kubectl: Kubectl, manifest: Manifest) -> None:
    """A data server that is not there yet."""
    found = kubectl.get("deployment", "data-server") or {}
    image = found["spec"]["template"]["spec"]["containers"][0]["image"]
    kubectl.apply(*manifests.data_server("late-data", image, replicas=0))
    wait_for("no data server", lambda: _pods(kubectl, "app=late-data"), 60)
    manifest["tuning"]["input"]["urls"] = [f"http://late-data.default.svc{manifests.DATA_PATH}"]


def _pods(kubectl: Kubectl, labels: str) -> str | None:
    names = [str(pod["metadata"]["name"]) for pod in kubectl.items("pods", "-l", labels)]
    return ", ".join(names) or None


TROUBLES: tuple[Trouble, ...] = (
    Trouble(
        title="no quota for the family",
        condition="ResourceReady",
        reason="QuotaExceeded",
        words="quota",
        break_=_fault("no-family-quota"),
        mend=_no_faults,
    ),
    Trouble(
        title="SKU not sold in the region",
        condition="ResourceReady",
        reason="SkuNotAvailable",
        words="Standard_NC6s_v3",
        break_=_fault("sku-not-available"),
        mend=_no_faults,
    ),
    Trouble(
        title="no capacity, found late",
        condition="ResourceReady",
        reason="InsufficientCapacity",
        words="capacity",
        break_=_fault("allocation-failed", count=1),
    ),
    Trouble(
        title="data URL unreachable",
        condition="TuningSucceeded",
        reason="DataUnreachable",
        words="late-data.default.svc",
        break_=_late_data,
        mend=_serve_the_data,
        seconds=240,
    ),
    Trouble(
        title="not a parquet file",
        condition="TuningSucceeded",
        reason="DataNotParquet",
        words="broken.parquet",
        break_=_url(f"{bad_data.HOST}/broken.parquet"),
    ),
    Trouble(
        title="missing column",
        condition="TuningSucceeded",
        reason="DataColumnMissing",
        words="messages",
        break_=_url(f"{bad_data.HOST}/columns.parquet"),
    ),
    Trouble(
        title="push secret missing",
        condition="ResourceReady",
        reason="SecretMissing",
        words="trouble-push",
        break_=_no_secret,
        mend=_right_secret,
    ),
    Trouble(
        title="wrong push secret",
        condition="TuningSucceeded",
        reason="PushUnauthorized",
        words=PUSH_REGISTRY,
        break_=_wrong_secret,
        mend=_right_secret,
        seconds=300,
    ),
    Trouble(
        title="registry down",
        condition="TuningSucceeded",
        reason="RegistryUnreachable",
        words="172.30.0.1:5009",
        break_=_image("172.30.0.1:5009/adapters/phi:1"),
        seconds=300,
    ),
    Trouble(
        title="a node that never joins",
        condition="ResourceReady",
        reason="RegistrationTimeout",
        words="did not join",
        break_=_fault("never-joins"),
        mend=_no_faults,
        seconds=240,
    ),
)


def provoke(stage: Stage, trouble: Trouble) -> Told:
    """Applies the documentation's manifest with that trouble, and waits for what it is told.

    Raises Waited when another reason, or none, is shown; what was broken is mended after."""
    kubectl = stage.kubectl
    manifest = yaml.safe_load(applied_text(stage.reader))
    manifest["metadata"]["name"] = manifests.TROUBLE
    trouble.break_(kubectl, manifest)
    began = time.monotonic()
    kubectl.run("apply", "-f", "-", stdin=json.dumps(manifest))
    told = _wait_for_reason(kubectl, trouble, began)
    if trouble.mend is None:
        return told
    trouble.mend(kubectl)
    recovered = _wait_for_recovery(kubectl, trouble)
    return Told(told.condition, told.status, told.reason, told.message, told.seconds, recovered)


def _conditions(kubectl: Kubectl) -> list[Manifest]:
    found = kubectl.get("workspace", manifests.TROUBLE) or {}
    conditions: list[Manifest] = (found.get("status") or {}).get("conditions") or []
    return conditions


def _wait_for_reason(kubectl: Kubectl, trouble: Trouble, began: float) -> Told:
    def look() -> str | None:
        shown = {c["type"]: c for c in _conditions(kubectl)}
        found = shown.get(trouble.condition)
        if found and found["reason"] == trouble.reason and trouble.words in found["message"]:
            return None
        return json.dumps({c["type"]: f"{c['reason']}: {c['message']}" for c in shown.values()})

    wait_for(f"{trouble.condition} with {trouble.reason}", look, trouble.seconds, pause=0.3)
    found = next(c for c in _conditions(kubectl) if c["type"] == trouble.condition)
    return Told(
        found["type"],
        found["status"],
        found["reason"],
        found["message"],
        time.monotonic() - began,
    )


def _wait_for_recovery(kubectl: Kubectl, trouble: Trouble) -> float:
    """Until the condition is True: by itself, only the cause was taken away."""

    def look() -> str | None:
        found = [c for c in _conditions(kubectl) if c["type"] == trouble.condition]
        if found and found[0]["status"] == "True":
            return None
        return f"{trouble.condition} is {found[0]['reason']}" if found else "no such condition"

    return wait_for(f"recovery from {trouble.reason}", look, 420, pause=0.5)


def row(trouble: Trouble, told: Told) -> str:
    recovered = f", recovered {told.recovered:.0f} s after" if told.recovered is not None else ""
    return (
        f"{trouble.title}: after {told.seconds:.1f} s{recovered}\n"
        f"    {told.condition}={told.status} {told.reason}\n    {told.message}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.demo.trouble", description=__doc__)
    parser.add_argument("word", nargs="*", help="only kinds with one of these words in their title")
    words = parser.parse_args().word
    chosen = [t for t in TROUBLES if not words or any(word in t.title for word in words)]
    stage = set_stage(Timeline(), "machine")
    failed = 0
    for trouble in chosen:
        cloud.clear_faults()
        clear(stage.kubectl)
        try:
            print(row(trouble, provoke(stage, trouble)), flush=True)
        except (CommandFailed, Waited) as error:
            failed += 1
            print(f"{trouble.title}: NOT SHOWN: {error}", flush=True)
    cloud.clear_faults()
    clear(stage.kubectl)
    print(f"troubles: {len(chosen) - failed}/{len(chosen)} told as they should be")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
