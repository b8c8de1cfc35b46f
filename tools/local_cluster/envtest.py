"""etcd and an API server without controllers or nodes, for tests and benchmarks.

The same idea as controller-runtime's envtest. Both listen on free loopback ports, need the built
programs but no privileges, share nothing with the local cluster, and end with the process that
started them, even when it is killed.
"""

import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import yaml

from tools.local_cluster.control_plane import components
from tools.local_cluster.control_plane.kube_api import ApiError, KubeApi
from tools.local_cluster.errors import StartFailed
from tools.local_cluster.paths import Paths
from tools.local_cluster.pki import certificates, kubeconfig
from tools.local_cluster.processes import daemons, waiting

_HOST: Final = "127.0.0.1"
_READY_TIMEOUT_SECONDS: Final = 60.0
_GRACE_SECONDS: Final = 10.0
_CRDS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
# Without controllers nobody creates the default ServiceAccount that this admission plugin requires,
# and the endpoint reconciler refuses to publish a loopback address.
_WITHOUT_CONTROLLERS: Final = {
    "disable-admission-plugins": "ServiceAccount",
    "endpoint-reconciler-type": "none",
}


@dataclass(frozen=True, slots=True)
class StandaloneApiServer:
    """A running API server: `kubeconfig` is the administrator's, `pids` maps program to process."""

    url: str
    pki: Path
    kubeconfig: Path
    admin: KubeApi
    pids: Mapping[str, int]

    def create_namespace(self, name: str) -> None:
        """Create the namespace if it does not exist."""
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        self.admin.apply(f"/api/v1/namespaces/{name}", manifest)

    def create_account(self, namespace: str, name: str) -> Path:
        """Create a ServiceAccount; return a kubeconfig with a token like the one a pod gets."""
        accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
        self.admin.apply(f"{accounts}/{name}", account)
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        token = self.admin.create(f"{accounts}/{name}/token", request)["status"]["token"]
        path = self.kubeconfig.with_name(f"{name}.kubeconfig")
        path.touch(mode=0o600)
        path.write_text(kubeconfig.render_token(self.pki, name, token, self.url))
        return path

    def install_crd(self, file: Path) -> None:
        """Create a CRD and wait until every version of it is served."""
        crd: dict[str, Any] = yaml.safe_load(file.read_text())
        spec, name = crd["spec"], crd["metadata"]["name"]
        self.admin.apply(f"{_CRDS}/{name}", crd)
        for version in spec["versions"]:
            self._await(f"/apis/{spec['group']}/{version['name']}/{spec['names']['plural']}", 200)

    def remove_crd(self, name: str) -> None:
        """Delete a CRD with all its objects and wait until it is gone."""
        self.admin.delete(f"{_CRDS}/{name}")
        self._await(f"{_CRDS}/{name}", 404)

    def _await(self, path: str, status: int) -> None:
        """Wait for a status: the API server needs a moment to set up or remove a kind's storage."""
        if not waiting.until(lambda: self._status(path) == status, _READY_TIMEOUT_SECONDS):
            raise StartFailed(
                f"{path} does not answer with {status} within {_READY_TIMEOUT_SECONDS:.0f} s"
            )

    def _status(self, path: str) -> int:
        try:
            self.admin.get(path)
        except ApiError as error:
            return error.status
        return 200


@contextmanager
def running(paths: Paths, folder: Path) -> Iterator[StandaloneApiServer]:
    """Start etcd and an API server in an empty folder, which takes about three seconds.

    Only the built programs are taken from `paths`. Both processes end with the context.

    Raises:
        StartFailed: the API server did not become ready in time.
    """
    own = replace(paths, home=folder, run=folder / "run")
    certificates.create_all(own.pki)
    own.log.mkdir()
    etcd_port, peer_port, port = _free_ports(3)
    url, etcd_url = f"https://{_HOST}:{port}", f"https://{_HOST}:{etcd_port}"
    flags = {
        "etcd": components.etcd_flags(own, etcd_url, f"https://{_HOST}:{peer_port}"),
        "kube-apiserver": {
            **components.apiserver_flags(own, _HOST, port, etcd_url),
            **_WITHOUT_CONTROLLERS,
        },
    }
    with ExitStack() as stack:
        started = {name: stack.enter_context(_process(own, name, flags[name])) for name in flags}
        admin = KubeApi(own.pki, url)
        _await_ready(own, admin, started)
        config = kubeconfig.write(own.kubeconfig, own.pki, "admin", url)
        yield StandaloneApiServer(
            url, own.pki, config, admin, {name: p.pid for name, p in started.items()}
        )


def _await_ready(
    own: Paths, admin: KubeApi, started: Mapping[str, subprocess.Popen[bytes]]
) -> None:
    def has_ended() -> bool:
        return any(process.poll() is not None for process in started.values())

    waiting.until(lambda: admin.is_ready() or has_ended(), _READY_TIMEOUT_SECONDS)
    if not admin.is_ready():
        logs = "\n".join(daemons.tail(own.log / f"{name}.log") for name in started)
        raise StartFailed(f"the standalone API server is not ready:\n{logs}")


@contextmanager
def _process(
    own: Paths, name: str, flags: Mapping[str, object]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program; the kernel kills it with its parent, so a killed test run leaves nothing."""
    argv = [str(own.bin / name), *(f"--{flag}={value}" for flag, value in flags.items())]
    with (own.log / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *argv],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        # All sockets stay open until every port is known, so no port is returned twice.
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((_HOST, 0))
        return [int(each.getsockname()[1]) for each in sockets]
