"""kopf's handlers: they watch Workspaces and report each one to the controller.

This is the only module that knows kopf, and it uses nothing but what `kopf` exports. kopf writes
nothing to the cluster. docs/design/0003-kopf-and-informer.md says why it watches Workspaces, why
nothing else, and why it has a thread and an event loop to itself.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import kopf

from kaito_kube import sockets
from kaito_kube.answers import trace_answers
from kaito_kube.errors import ClusterError
from kaito_kube.feeds import Feed
from kaito_kube.kinds import WORKSPACE, Manifest
from kaito_process.backoff import Backoff

WorkspaceListener = Callable[[bool, Manifest], None]
"""Receives whether the Workspace was deleted, and its manifest."""

registry = kopf.OperatorRegistry()

# kopf would compose one from the name of the process's user, and a container's user has none. Only
# peering uses it, which is off: a Lease elects the leader. Its type has no public name.
_IDENTITY: Any = "workspace-controller"


@dataclass(slots=True)
class OperatorMemo:
    """What handlers know besides the event: whom to tell, in which event loop."""

    loop: asyncio.AbstractEventLoop
    listener: WorkspaceListener
    feed: Feed
    backoff: Callable[[], Backoff] = Backoff
    logged_in: bool = False
    login_backoff: Backoff = field(init=False)

    def __post_init__(self) -> None:
        self.login_backoff = self.backoff()

    def __copy__(self) -> "OperatorMemo":
        """kopf copies the memo for each object. This one is shared by all of them."""
        return self

    def report(self, deleted: bool, manifest: Manifest) -> None:
        self.feed.heard()
        self.listener(deleted, manifest)

    def answered(self, path: str, is_watch: bool, error: ClusterError | None) -> None:
        """Called in kopf's event loop after each request; discovery says nothing about a watch."""
        if path.endswith(f"/{WORKSPACE.plural}"):
            self.loop.call_soon_threadsafe(self._note, is_watch, error)

    def _note(self, is_watch: bool, error: ClusterError | None) -> None:
        if error is not None:
            self.feed.failed(error)
        elif is_watch:
            self.feed.works()
        else:
            self.feed.heard()


@kopf.on.event(WORKSPACE.group, WORKSPACE.version, WORKSPACE.plural, registry=registry)
async def report_workspace(event: kopf.RawEvent, memo: OperatorMemo, **_: Any) -> None:
    """Reports every event alike; the objects of a listing arrive as events, too."""
    deleted, manifest = event["type"] == "DELETED", dict(event["object"])
    memo.loop.call_soon_threadsafe(memo.report, deleted, manifest)


@kopf.on.login(registry=registry)
async def log_in(memo: OperatorMemo, **kwargs: Any) -> kopf.AiohttpSession | None:
    """As the pod's ServiceAccount, or by KUBECONFIG outside a cluster.

    kopf asks again after each 401, which is how it learns of a rotated token. It asks without a
    pause, and gives up when it gets the same token again; a session is never the same.
    """
    if memo.logged_in:
        await asyncio.sleep(memo.login_backoff.next_seconds(asyncio.get_running_loop().time()))
    memo.logged_in = True
    info = kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)
    return _session(info, memo) if info is not None else None


def _session(info: kopf.ConnectionInfo, memo: OperatorMemo) -> kopf.AiohttpSession:
    """The session that kopf would make, and its answers are noted: how to make one is in kopf's
    documentation on custom HTTP sessions."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=info.as_ssl_context()),
        headers=info.as_http_headers(),
        proxy=info.proxy_url,
        trust_env=info.trust_env,
        trace_configs=[trace_answers(memo.answered)],
    )
    return kopf.AiohttpSession(
        aiohttp_session=session, server=info.server, default_namespace=info.default_namespace
    )


@dataclass(frozen=True, slots=True)
class EndlessPauses:
    """Pauses between the tries of one request: kopf gives up when they end."""

    backoff: Callable[[], Backoff]

    def __iter__(self) -> Iterator[float]:
        return self.backoff().pauses()


def operator_settings(backoff: Callable[[], Backoff]) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    # The controller posts its own Events, with its own reasons.
    settings.posting.enabled = False
    # kopf starts once the CRD is served; scanning would watch every other CRD of the cluster, too.
    settings.scanning.disabled = True
    # The server ends a watch after four minutes, so one that is still open after five is dead.
    settings.watching.server_timeout = 240
    settings.watching.client_timeout = 300
    settings.networking.connect_timeout = 20
    settings.networking.error_backoffs = EndlessPauses(backoff)
    # Each Workspace that changed keeps a task of its own for this long after its last event.
    settings.queueing.idle_timeout = 1.0
    # kopf would kill a thread that is slow to stop; the kubelet's grace period is enough.
    settings.process.ultimate_exiting_timeout = None
    return settings


async def watch_workspaces(
    listener: WorkspaceListener, feed: Feed, backoff: Callable[[], Backoff] = Backoff
) -> None:
    """Runs kopf and calls `listener` in this event loop, until it is canceled.

    Raises:
        RuntimeError: kopf ended without an error, although nobody asked it to.
        Exception: whatever else made kopf end, for example `kopf.LoginError`.
    """
    _quiet_logs()
    stop = threading.Event()
    memo = OperatorMemo(asyncio.get_running_loop(), listener, feed, backoff)
    running = asyncio.ensure_future(asyncio.to_thread(sockets.run, _operate(memo, stop)))
    try:
        # Canceling the future would leave the thread running, so only the stop flag ends it.
        await asyncio.shield(running)
    finally:
        stop.set()
        await asyncio.wait([running])
    raise RuntimeError("kopf ended although nobody stopped it")


class _WithoutTries(logging.Handler):
    """Passes on what kopf logs, but for the tries of requests: the feed logs each outage once."""

    def emit(self, record: logging.LogRecord) -> None:
        if not record.getMessage().startswith("Request attempt "):
            logging.getLogger().handle(record)


def _quiet_logs() -> None:
    logger = logging.getLogger("kopf")
    # At INFO kopf logs each event of each object.
    logger.setLevel(logging.ERROR)
    logger.handlers, logger.propagate = [_WithoutTries()], False


async def _operate(memo: OperatorMemo, stop: threading.Event) -> None:
    try:
        await kopf.operator(
            registry=registry,
            settings=operator_settings(memo.backoff),
            memo=memo,
            identity=_IDENTITY,
            standalone=True,
            clusterwide=True,
            stop_flag=stop,
        )
    finally:
        # kopf waits for the flag in a thread, and the event loop does not close before that ends:
        # without this, a kopf that has failed is never heard of again.
        stop.set()
