"""The Workspaces' feed: kopf watches, and hands what it sees to the store. The one kopf module.

kopf runs in a thread of its own with its own event loop, so that its start and end touch
nothing else; it writes nothing into any object.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

import kopf
from kopf._core.engines.peering import Identity

from kaito_kube import sockets
from kaito_kube.kinds import WORKSPACE, Manifest

logger = logging.getLogger(__name__)
Feed = Callable[[bool, Manifest], None]
"""Gets whether the object is gone, and its manifest; called in the main event loop."""


def register(registry: kopf.OperatorRegistry, feed: Feed) -> None:
    """One handler: everything that is seen is passed on."""

    @kopf.on.event(WORKSPACE.group, WORKSPACE.version, WORKSPACE.plural, registry=registry)
    async def seen(event: Any, **_: Any) -> None:
        feed(event["type"] == "DELETED", dict(event["object"]))

    @kopf.on.login(registry=registry)
    def login(**kwargs: Any) -> Any:
        return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)


def settings() -> kopf.OperatorSettings:
    """No events, no annotations, no scanning for kinds that come and go."""
    made = kopf.OperatorSettings()
    made.posting.enabled = False
    made.scanning.disabled = True
    made.watching.server_timeout = 240
    made.watching.client_timeout = 300
    made.queueing.idle_timeout = 1.0
    made.process.ultimate_exiting_timeout = None
    return made


async def watch(feed: Feed) -> None:
    """Feeds until it is cancelled. Raises what made kopf end by itself."""
    loop, stop = asyncio.get_running_loop(), threading.Event()
    logging.getLogger("kopf").setLevel(logging.ERROR)

    def hand_over(gone: bool, manifest: Manifest) -> None:
        loop.call_soon_threadsafe(feed, gone, manifest)

    registry = kopf.OperatorRegistry()
    register(registry, hand_over)
    operator = kopf.operator(
        registry=registry,
        settings=settings(),
        standalone=True,
        clusterwide=True,
        # kopf would ask for the process' user name, and a container's has none.
        identity=Identity("workspace-controller"),
        stop_flag=stop,
    )
    running = asyncio.ensure_future(asyncio.to_thread(sockets.run, operator))
    try:
        await asyncio.shield(running)
    finally:
        stop.set()
    raise RuntimeError("kopf ended without being asked to")
