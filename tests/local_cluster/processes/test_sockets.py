"""A socket file alone does not mean that a program listens."""

import socket
from pathlib import Path

from tools.local_cluster.processes import sockets


def test_socket_answers_only_while_a_program_listens(tmp_path: Path) -> None:
    path = tmp_path / "s"
    assert not sockets.answers(path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        assert sockets.answers(path)
    assert path.exists()
    assert not sockets.answers(path)
