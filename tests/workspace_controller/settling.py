"""A Workspace that is reconciled until nothing changes, and its conditions."""

from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import (
    settings,
)
from tests.workspace_controller.harness import Environment


def conditions(manifest: Manifest) -> dict[str, str]:
    return {c["type"]: f"{c['status']}/{c['reason']}" for c in manifest["status"]["conditions"]}


async def settled(manifest: Manifest, **changes: object) -> Environment:
    environment = Environment(settings(**changes))
    environment.push_secret()
    environment.apply(manifest)
    await environment.settle()
    return environment
