"""kopf's part: one handler that passes on what it sees, and settings that write nothing."""

from typing import Any

import kopf

from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import inference_workspace
from workspace_controller import handlers


def registered() -> tuple[Any, list[tuple[bool, Manifest]]]:
    fed: list[tuple[bool, Manifest]] = []
    registry = kopf.OperatorRegistry()
    handlers.register(registry, lambda gone, manifest: fed.append((gone, manifest)))
    return registry, fed


async def test_what_is_seen_is_passed_on() -> None:
    registry, fed = registered()
    (handler,) = registry._watching.get_all_handlers()
    manifest = inference_workspace()
    for type_ in (None, "ADDED", "MODIFIED", "DELETED"):
        await handler.fn(event={"type": type_, "object": manifest})
    assert fed == [(False, manifest)] * 3 + [(True, manifest)]


def test_only_workspaces_are_watched_and_nothing_is_written() -> None:
    registry, _ = registered()
    (handler,) = registry._watching.get_all_handlers()
    assert (handler.selector.group, handler.selector.any_name) in (
        ("kaito.sh", "workspaces"),
        ("kaito.sh", None),
    )
    assert not registry._changing.get_all_handlers()
    assert not registry._spawning.get_all_handlers()
    made = handlers.settings()
    assert made.posting.enabled is False
    assert made.scanning.disabled is True
