"""The local image registry: one store, two ports.

Port 5000 is open to everyone over plain HTTP, for nodes and image builds. Port 5001 requires a
user and a password for every request, as a cloud registry does, so that a wrong push secret is
rejected here too.
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
# bcrypt of the password, as a constant: Python's standard library has no bcrypt.
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


def daemons(paths: Paths) -> list[Daemon]:
    return [_daemon(paths, "registry"), _daemon(paths, "login-registry")]


def _daemon(paths: Paths, name: str) -> Daemon:
    argv = [str(paths.bin / "docker-registry"), "serve", str(paths.config / f"{name}.yml")]
    return components.daemon(paths, name, argv)


def configuration(paths: Paths) -> dict[str, str]:
    """File name -> content."""
    return {
        "registry.yml": config(paths, topology.REGISTRY_PORT, with_login=False),
        "login-registry.yml": config(paths, topology.LOGIN_REGISTRY_PORT, with_login=True),
        "htpasswd": HTPASSWD,
    }


def is_ready(port: int) -> bool:
    """Whether the registry answers, with or without a login."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{topology.HOST}:{port}/v2/", timeout=2):
            return True
    except urllib.error.HTTPError as error:
        with error:
            return error.code == 401
    except OSError:
        return False
