"""The command lines of the control plane's processes. Pure."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tools.local_cluster import topology
from tools.local_cluster.addons import kube_proxy
from tools.local_cluster.paths import Paths
from tools.local_cluster.pki import certificates
from tools.local_cluster.processes.daemons import Daemon

GROUP: Final = f"{topology.CGROUP}/control-plane"

# Loopback only, and with client certificates, so that no other user of this machine can read the
# cluster's Secrets.
_ETCD_URL: Final = f"https://127.0.0.1:{topology.ETCD_PORT}"
_ETCD_PEER_URL: Final = f"https://127.0.0.1:{topology.ETCD_PEER_PORT}"

COMPONENTS: Final = (
    "registry",
    "login-registry",
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "coredns",
)


def with_flags(paths: Paths, name: str, program: Path, flags: Mapping[str, object]) -> Daemon:
    """A process in the host's namespaces; flags are rendered as --name=value."""
    return daemon(paths, name, [str(program), *(f"--{k}={v}" for k, v in flags.items())])


def daemon(paths: Paths, name: str, argv: list[str]) -> Daemon:
    """A process in the host's namespaces, with its log and pid file."""
    return Daemon(
        name=name,
        argv=argv,
        log=paths.log / f"{name}.log",
        pidfile=paths.pids / f"{name}.json",
        group=GROUP,
    )


def etcd(paths: Paths) -> Daemon:
    return with_flags(
        paths, "etcd", paths.bin / "etcd", etcd_flags(paths, _ETCD_URL, _ETCD_PEER_URL)
    )


def etcd_flags(paths: Paths, url: str, peer_url: str) -> dict[str, object]:
    pair, authority = (
        certificates.pair(paths.pki, "etcd"),
        certificates.pair(paths.pki, certificates.ETCD_CA),
    )
    tls = {"cert-file": pair.cert, "key-file": pair.key, "trusted-ca-file": authority.cert}
    return {
        "name": topology.CLUSTER_NAME,
        "data-dir": paths.etcd,
        "listen-client-urls": url,
        "advertise-client-urls": url,
        "listen-peer-urls": peer_url,
        "initial-advertise-peer-urls": peer_url,
        "initial-cluster": f"{topology.CLUSTER_NAME}={peer_url}",
        **tls,
        "client-cert-auth": "true",
        **{f"peer-{name}": path for name, path in tls.items()},
        "peer-client-cert-auth": "true",
        # 4 GiB; etcd's own default is 2 GiB.
        "quota-backend-bytes": 4 * 2**30,
        "auto-compaction-retention": "1h",
        # A development cluster is rebuilt after a crash, so durability would only cost time.
        "unsafe-no-fsync": "true",
        "log-level": "warn",
    }


def apiserver(paths: Paths) -> Daemon:
    flags = apiserver_flags(paths, topology.HOST, topology.API_PORT, _ETCD_URL)
    return with_flags(paths, "kube-apiserver", paths.bin / "kube-apiserver", flags)


def apiserver_flags(paths: Paths, host: str, port: int, etcd_url: str) -> dict[str, object]:
    return {
        "advertise-address": host,
        "bind-address": host,
        "secure-port": port,
        "service-cluster-ip-range": topology.SERVICE_RANGE,
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": "true",
        "etcd-servers": etcd_url,
        "kubelet-preferred-address-types": "InternalIP",
        # The API server is the issuer, so anyone who can reach it (the AKS emulator, for example)
        # finds the token signing keys through OpenID discovery.
        "service-account-issuer": f"https://{host}:{port}",
        "enable-aggregator-routing": "true",
        "shutdown-delay-duration": "0s",
        **_apiserver_keys(paths),
        **_front_proxy(paths),
    }


def _apiserver_keys(paths: Paths) -> dict[str, object]:
    """The API server's certificates for clients, etcd and kubelets, and its token signing key."""
    serving, kubelet = _pair(paths, "apiserver"), _pair(paths, "apiserver-kubelet")
    etcd_client, tokens = _pair(paths, "etcd-client"), _pair(paths, certificates.SERVICE_ACCOUNT)
    authority = _pair(paths, certificates.CA).cert
    return {
        "tls-cert-file": serving.cert,
        "tls-private-key-file": serving.key,
        "client-ca-file": authority,
        "etcd-cafile": _pair(paths, certificates.ETCD_CA).cert,
        "etcd-certfile": etcd_client.cert,
        "etcd-keyfile": etcd_client.key,
        "kubelet-certificate-authority": authority,
        "kubelet-client-certificate": kubelet.cert,
        "kubelet-client-key": kubelet.key,
        "service-account-signing-key-file": tokens.key,
        "service-account-key-file": tokens.cert,
    }


def _front_proxy(paths: Paths) -> dict[str, object]:
    """How aggregated API servers authenticate this one, and learn on whose behalf it calls."""
    proxy = _pair(paths, "front-proxy")
    return {
        "requestheader-client-ca-file": _pair(paths, certificates.FRONT_PROXY_CA).cert,
        "requestheader-allowed-names": "front-proxy",
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "proxy-client-cert-file": proxy.cert,
        "proxy-client-key-file": proxy.key,
    }


def controller_manager(paths: Paths) -> Daemon:
    authority = _pair(paths, certificates.CA)
    kubeconfig = paths.config / "controller-manager.kubeconfig"
    flags = {
        **_client_flags(kubeconfig, topology.CONTROLLER_MANAGER_PORT),
        "root-ca-file": authority.cert,
        "cluster-signing-cert-file": authority.cert,
        "cluster-signing-key-file": authority.key,
        "service-account-private-key-file": _pair(paths, certificates.SERVICE_ACCOUNT).key,
        "use-service-account-credentials": "true",
        "flex-volume-plugin-dir": paths.volume_plugins,
        "service-cluster-ip-range": topology.SERVICE_RANGE,
    }
    program = paths.bin / "kube-controller-manager"
    return with_flags(paths, "kube-controller-manager", program, flags)


def scheduler(paths: Paths) -> Daemon:
    kubeconfig = paths.config / "scheduler.kubeconfig"
    flags = _client_flags(kubeconfig, topology.SCHEDULER_PORT)
    return with_flags(paths, "kube-scheduler", paths.bin / "kube-scheduler", flags)


def host_proxy(paths: Paths) -> Daemon:
    """kube-proxy for the host's own processes: the API server must reach webhook Services."""
    config = paths.config / "kube-proxy.json"
    return with_flags(paths, "kube-proxy", paths.bin / "kube-proxy", {"config": config})


def _client_flags(kubeconfig: Path, port: int) -> dict[str, object]:
    return {
        "kubeconfig": kubeconfig,
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        "bind-address": "127.0.0.1",
        "secure-port": port,
        "leader-elect": "false",
    }


def _pair(paths: Paths, name: str) -> certificates.Pair:
    return certificates.pair(paths.pki, name)


def configuration(paths: Paths) -> dict[Path, str]:
    """The control plane's configuration files except its kubeconfigs: path -> content."""
    host = kube_proxy.render(paths.config / "kube-proxy.kubeconfig", node="kaito-host")
    return {paths.config / "kube-proxy.json": host}
