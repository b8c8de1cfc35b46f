"""Where the launchers of several nodes meet before each launch.

Torch's own rendezvous gives the nodes their numbers in any order, or waits for them and does not
notice when one goes. Here the first node listens, and is told the newest checkpoint of each other
one; when all are there, it gives them the port of torch's store. The connections stay open for as
long as the launch takes (`launch_watch`).
"""

import logging
import select
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from tuner.errors import RunError
from tuner.processes.connection import Connection, ConnectionLost, Message
from tuner.processes.node import Node
from tuner.reasons import Reason

logger = logging.getLogger(__name__)

# How long a connection may take to say which node it is, and how many may do so at the same time:
# anything may connect to a port, and nodes do not wait for what says nothing.
_HELLO_SECONDS = 10.0
_MOST_UNKNOWN = 64
# Between two tries to reach the first node, whose pod may not be there yet.
_RETRY_SECONDS = 1.0
_CONNECT_SECONDS = 5.0
# Between two log lines about nodes that are missing.
_LOG_SECONDS = 60.0
_HELLO, _START, _REFUSED = "hello", "start", "refused"


@dataclass(frozen=True, slots=True)
class Start:
    """A launch of all nodes: torch's store is at `address` and `port`.

    `newest_step` is that of the newest checkpoint of any node; -1 if there is none. `connections`
    lead to the others by their numbers: from the first node to all, from any other to the first.
    """

    address: str
    port: int
    newest_step: int
    connections: Mapping[int, Connection]


class Meeting(Protocol):
    """Where this node meets the others."""

    def wait(self, newest_step: int) -> Start:
        """Wait until all nodes are there, for as long as it takes.

        Raises:
            RunError: DATA_UNREADABLE, this node has other inputs than the first.
            Terminated: a signal arrived.
        """
        ...


class FirstNode:
    """The node that the others come to."""

    def __init__(self, node: Node, fingerprint: str, listener: socket.socket) -> None:
        self._node = node
        self._fingerprint = fingerprint
        self._listener = listener

    def wait(self, newest_step: int) -> Start:
        steps, connections = {0: newest_step}, dict[int, Connection]()
        unknown = dict[Connection, float]()
        log = _PatientLog()
        while len(connections) < self._node.count - 1:
            missing = [n for n in range(1, self._node.count) if n not in connections]
            log.waits("waiting for %s", " and ".join(map(self._node.name, missing)))
            self._admit(unknown)
            for number, step, connection in self._arrived(unknown):
                if number in connections:
                    connections[number].close()
                connections[number], steps[number] = connection, step
            for number in [n for n, each in connections.items() if _is_gone(each)]:
                connections.pop(number).close()
        for connection in unknown:
            connection.close()
        newest, port = max(steps.values()), _free_port()
        for connection in connections.values():
            connection.send(_START, port=port, newest_step=newest)
        return Start("127.0.0.1", port, newest, connections)

    def _admit(self, unknown: dict[Connection, float]) -> None:
        """Wait for something to happen, and add who connects, with the time that it has."""
        watched: list[socket.socket | Connection] = [self._listener, *unknown]
        ready, _, _ = select.select(watched, [], [], _RETRY_SECONDS)
        if self._listener not in ready:
            return
        try:
            connection = Connection(self._listener.accept()[0])
        except OSError:
            # It has left again.
            return
        if len(unknown) >= _MOST_UNKNOWN:
            oldest = next(iter(unknown))
            del unknown[oldest]
            oldest.close()
        unknown[connection] = time.monotonic() + _HELLO_SECONDS

    def _arrived(self, unknown: dict[Connection, float]) -> Iterator[tuple[int, int, Connection]]:
        """The nodes that have said so: number, newest step, connection. Strangers are closed."""
        for connection, deadline in list(unknown.items()):
            try:
                hello = connection.receive(0)
                if hello is None and time.monotonic() < deadline:
                    continue
                node = None if hello is None else self._node_of(hello, connection)
            except (ConnectionLost, KeyError, TypeError, ValueError, OverflowError):
                # Anything may connect to a port, and say anything.
                node = None
            del unknown[connection]
            if node is None:
                connection.close()
            else:
                yield *node, connection

    def _node_of(self, hello: Message, connection: Connection) -> tuple[int, int] | None:
        """The number and the newest step of a node; None if it is none, or has other inputs."""
        if hello["event"] != _HELLO:
            return None
        number, step = int(hello["node"]), int(hello["step"])
        same = (hello["inputs"], hello["nodes"]) == (self._fingerprint, self._node.count)
        if same and 0 < number < self._node.count:
            return number, step
        connection.send(_REFUSED)
        return None


class OtherNode:
    """A node that comes to the first."""

    def __init__(self, node: Node, fingerprint: str) -> None:
        self._node = node
        self._fingerprint = fingerprint

    def wait(self, newest_step: int) -> Start:
        log = _PatientLog()
        while True:
            log.waits("waiting for %s", f"{self._node.name(0)} at {self._node.host}")
            answer = self._answer(newest_step)
            if answer is not None:
                return answer
            time.sleep(_RETRY_SECONDS)

    def _answer(self, newest_step: int) -> Start | None:
        """What the first node says when all are there; None if it is not, or goes."""
        try:
            connection = Connection(
                socket.create_connection((self._node.host, self._node.port), _CONNECT_SECONDS)
            )
        except OSError:
            return None
        try:
            connection.send(
                _HELLO,
                node=self._node.number,
                nodes=self._node.count,
                step=newest_step,
                inputs=self._fingerprint,
            )
            answer = connection.receive(None)
            if answer is not None and answer["event"] == _REFUSED:
                raise self._other_inputs()
            if answer is not None and answer["event"] == _START:
                return _start(connection, answer)
        except (ConnectionLost, KeyError, TypeError, ValueError, OSError):
            # It is gone, or something else answers at its address.
            pass
        connection.close()
        return None

    def _other_inputs(self) -> RunError:
        return RunError(
            Reason.DATA_UNREADABLE,
            f"{self._node.name(self._node.number)} has read other data, or another configuration, "
            "than the first, and both would learn from what the other does not have: what "
            "tuning.input.urls names has changed between two downloads; name files that do not "
            "change, for example by a revision, or end the address in #sha256=DIGEST",
        )


@contextmanager
def meeting(node: Node, fingerprint: str) -> Iterator[Meeting]:
    """The meeting of all nodes of a training with the inputs of that `fingerprint`."""
    if not node.is_first:
        yield OtherNode(node, fingerprint)
        return
    dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if dual else socket.AF_INET
    with socket.create_server(("", node.port), family=family, dualstack_ipv6=dual) as listener:
        listener.settimeout(_RETRY_SECONDS)
        yield FirstNode(node, fingerprint, listener)


def _start(connection: Connection, answer: Message) -> Start:
    port, newest_step = int(answer["port"]), int(answer["newest_step"])
    return Start(connection.address, port, newest_step, {0: connection})


def _is_gone(connection: Connection) -> bool:
    """Whether a node that waits here has left. It says nothing while it waits."""
    try:
        return connection.receive(0) is not None
    except ConnectionLost:
        return True


def _free_port() -> int:
    with socket.create_server(("", 0)) as found:
        port: int = found.getsockname()[1]
        return port


class _PatientLog:
    """Logs at the start, and once a minute."""

    def __init__(self) -> None:
        self._next = 0.0

    def waits(self, text: str, *values: str) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _LOG_SECONDS
            logger.info(text, *values)
