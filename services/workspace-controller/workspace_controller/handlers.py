"""kopf's handlers: they watch Workspaces and report each one to the controller.

This is the only module that knows kopf, and it uses nothing but what `kopf` exports. kopf writes
nothing to the cluster. docs/design/0003-kopf-and-informer.md says why it watches Workspaces, why
nothing else, and why it has a thread and an event loop to itself.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import kopf

from kaito_kube import sockets
from kaito_kube.kinds import WORKSPACE, Manifest

WorkspaceListener = Callable[[bool, Manifest], None]
"""Receives whether the Workspace was deleted, and its manifest."""

registry = kopf.OperatorRegistry()

# kopf would compose one from the name of the process's user, and a container's user has none. Only
# peering uses it, which is off: a Lease elects the leader. Its type has no public name.
_IDENTITY: Any = "workspace-controller"


@dataclass(frozen=True, slots=True)
class OperatorMemo:
    """What handlers know besides the event: whom to tell, in which event loop."""

    loop: asyncio.AbstractEventLoop
    listener: WorkspaceListener

    def __copy__(self) -> "OperatorMemo":
        """kopf copies the memo for each object. This one is shared by all of them."""
        return self


@kopf.on.event(WORKSPACE.group, WORKSPACE.version, WORKSPACE.plural, registry=registry)
async def report_workspace(event: kopf.RawEvent, memo: OperatorMemo, **_: Any) -> None:
    """Reports every event alike; the objects of a listing arrive as events, too."""
    deleted, manifest = event["type"] == "DELETED", dict(event["object"])
    memo.loop.call_soon_threadsafe(memo.listener, deleted, manifest)


@kopf.on.login(registry=registry)
def log_in(**kwargs: Any) -> kopf.ConnectionInfo | None:
    """As the pod's ServiceAccount, or by KUBECONFIG outside a cluster. kopf asks again after each
    401, which is how it learns of a rotated token."""
    return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)


def operator_settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    # The controller posts its own Events, with its own reasons.
    settings.posting.enabled = False
    # kopf starts once the CRD is served; scanning would watch every other CRD of the cluster, too.
    settings.scanning.disabled = True
    # The server ends a watch after four minutes, so one that is still open after five is dead.
    settings.watching.server_timeout = 240
    settings.watching.client_timeout = 300
    # Each Workspace that changed keeps a task of its own for this long after its last event.
    settings.queueing.idle_timeout = 1.0
    # kopf would kill a thread that is slow to stop; the kubelet's grace period is enough.
    settings.process.ultimate_exiting_timeout = None
    return settings


async def watch_workspaces(listener: WorkspaceListener) -> None:
    """Runs kopf and calls `listener` in this event loop, until it is canceled.

    Raises:
        RuntimeError: kopf ended without an error, although nobody asked it to.
        Exception: whatever else made kopf end, for example `kopf.LoginError`.
    """
    # At INFO kopf logs each event of each object.
    logging.getLogger("kopf").setLevel(logging.ERROR)
    stop = threading.Event()
    operator = kopf.operator(
        registry=registry,
        settings=operator_settings(),
        memo=OperatorMemo(asyncio.get_running_loop(), listener),
        identity=_IDENTITY,
        standalone=True,
        clusterwide=True,
        stop_flag=stop,
    )
    running = asyncio.ensure_future(asyncio.to_thread(sockets.run, operator))
    try:
        # Canceling the future would leave the thread running, so only the stop flag ends it.
        await asyncio.shield(running)
    finally:
        stop.set()
        await asyncio.wait([running])
    raise RuntimeError("kopf ended although nobody stopped it")
