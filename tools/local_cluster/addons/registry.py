"""The local image registry: one store, two doors.

Port 5000 is open to all over plain HTTP, as a cluster's nodes and builders need it. Port 5001
asks for a name and a password before it takes or gives anything, as a cloud's registry does, so
that a wrong push secret is refused here too.
"""

import urllib.error
import urllib.request
from typing import Final

from tools.local_cluster import topology
from tools.local_cluster.control_plane import components
from tools.local_cluster.paths import Paths
from tools.local_cluster.processes.daemons import Daemon

USER: Final = "kaito"
PASSWORD: Final = "local-registry"
# bcrypt of the above: Python's standard library cannot make one.
HTPASSWD: Final = f"{USER}:$2b$05$EX5T6PD/tHNfC/iS24YpW.3Jgo2iK6xJLxJBJphb2zPAdeu2EccU6\n"


def config(paths: Paths, port: int, with_login: bool) -> str:
    """The registry's YAML configuration."""
    auth = f"auth:\n  htpasswd:\n    realm: kaito\n    path: {paths.config / 'htpasswd'}\n"
    return f"""\
version: 0.1
log:
  level: warn
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: {paths.registry}
    maxthreads: 100
  delete:
    enabled: true
  cache:
    blobdescriptor: inmemory
http:
  addr: {topology.HOST}:{port}
  secret: {topology.CLUSTER_NAME}
{auth if with_login else ""}"""


def commands(paths: Paths) -> list[Daemon]:
    return [
        _command(paths, "registry"),
        _command(paths, "login-registry"),
    ]


def _command(paths: Paths, name: str) -> Daemon:
    argv = [str(paths.bin / "docker-registry"), "serve", str(paths.config / f"{name}.yml")]
    return components.background(paths, name, argv)


def configuration(paths: Paths) -> dict[str, str]:
    """File name -> content."""
    return {
        "registry.yml": config(paths, topology.REGISTRY_PORT, with_login=False),
        "login-registry.yml": config(paths, topology.LOGIN_REGISTRY_PORT, with_login=True),
        "htpasswd": HTPASSWD,
    }


def is_ready(port: int) -> bool:
    """Whether the registry answers, with or without asking who we are."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{topology.HOST}:{port}/v2/", timeout=2):
            return True
    except urllib.error.HTTPError as error:
        with error:
            return error.code == 401
    except OSError:
        return False
