"""The Workspace that serves or tunes a model. Pure."""

import re
from dataclasses import dataclass
from math import ceil

from kaito_api.labels import MAX_PRICE_PER_HOUR
from kaito_kube.kinds import WORKSPACE, Manifest, annotations_of

# The controller adds its own labels, and a selector needs one that is the user's.
_LABEL = "apps"


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningRequest:
    """`data` is a URL, or the name of the claim whose volume has the data if `is_claim`."""

    data: str
    output_image: str
    push_secret: str | None = None
    method: str = "qlora"
    is_claim: bool = False


def workspace_name(model: str) -> str:
    """A name for the Workspace of a preset or a model of the hub. Services get it, too: they have
    no dots, and at most 52 characters."""
    words = re.sub(r"[^a-z0-9]+", "-", model.rpartition("/")[2].lower()).strip("-")[:44].rstrip("-")
    return words if words[:1].isalpha() else f"model-{words}"


def workspace(
    name: str,
    preset: str,
    instance_type: str | None,
    *,
    tuning: TuningRequest | None = None,
    access_secret: str | None = None,
) -> Manifest:
    """The manifest, without a namespace."""
    model: Manifest = {"name": preset}
    if access_secret:
        model["presetOptions"] = {"modelAccessSecret": access_secret}
    resource: Manifest = {"labelSelector": {"matchLabels": {_LABEL: name}}}
    if instance_type is not None:
        resource = {"instanceType": instance_type, **resource}
    part = (
        {"inference": {"preset": model}} if tuning is None else {"tuning": _tuning(model, tuning)}
    )
    return {
        "apiVersion": WORKSPACE.api_version,
        "kind": WORKSPACE.kind,
        "metadata": {"name": name},
        "resource": resource,
        **part,
    }


def with_max_price(manifest: Manifest, offered: float | None, wanted: float | None) -> Manifest:
    """The Workspace with the most that its nodes may cost an hour, unless it says so itself.

    That is what the user allows, or else the price that was offered. Whole cents, rounded up: the
    price that was shown is never refused for its last digit.
    """
    price = offered if wanted is None else wanted
    annotations = annotations_of(manifest)
    if price is None or MAX_PRICE_PER_HOUR in annotations:
        return manifest
    cents = ceil(round(price * 100, 4))
    limit = {MAX_PRICE_PER_HOUR: f"{cents / 100:.2f}"}
    metadata = {**manifest["metadata"], "annotations": {**annotations, **limit}}
    return {**manifest, "metadata": metadata}


def _tuning(model: Manifest, request: TuningRequest) -> Manifest:
    output: Manifest = {"image": request.output_image}
    if request.push_secret:
        output["imagePushSecret"] = request.push_secret
    claim = {"persistentVolumeClaim": {"claimName": request.data, "readOnly": True}}
    return {
        "preset": model,
        "method": request.method,
        "input": {"volumeSource": claim} if request.is_claim else {"urls": [request.data]},
        "output": output,
    }
