"""The Workspace that serves or tunes a model. Pure."""

import re
from dataclasses import dataclass

from kaito_kube.kinds import WORKSPACE, Manifest

# The controller adds its own labels, and a selector needs one that is the user's.
_LABEL = "apps"


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningRequest:
    data: str
    output_image: str
    push_secret: str | None = None
    method: str = "qlora"


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


def _tuning(model: Manifest, request: TuningRequest) -> Manifest:
    output: Manifest = {"image": request.output_image}
    if request.push_secret:
        output["imagePushSecret"] = request.push_secret
    return {
        "preset": model,
        "method": request.method,
        "input": {"urls": [request.data]},
        "output": output,
    }
