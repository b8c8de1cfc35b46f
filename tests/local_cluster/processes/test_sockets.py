"""A socket's file is no proof of life."""

import socket
from pathlib import Path

from tools.local_cluster.processes import sockets


def test_only_a_socket_with_a_listener_answers(tmp_path: Path) -> None:
    path = tmp_path / "s"
    assert not sockets.answers(path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        assert sockets.answers(path)
    assert path.exists()
    assert not sockets.answers(path)
