"""The commands of the control plane's processes: pure renderings of paths and addresses."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tools.local_cluster import topology
from tools.local_cluster.addons import kube_proxy
from tools.local_cluster.paths import Paths
from tools.local_cluster.pki import certificates
from tools.local_cluster.processes.daemons import Daemon

GROUP: Final = f"{topology.CGROUP}/control-plane"

# Loopback only, and by TLS, so that no other user of the machine reads the cluster's secrets.
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


def command(paths: Paths, name: str, program: Path, flags: Mapping[str, object]) -> Daemon:
    """A process of the host's own namespace; flags are rendered as --name=value."""
    return background(paths, name, [str(program), *(f"--{k}={v}" for k, v in flags.items())])


def background(paths: Paths, name: str, argv: list[str]) -> Daemon:
    return Daemon(
        name=name,
        argv=argv,
        log=paths.log / f"{name}.log",
        pidfile=paths.pids / f"{name}.json",
        group=GROUP,
    )


def etcd(paths: Paths) -> Daemon:
    return command(paths, "etcd", paths.bin / "etcd", etcd_flags(paths, _ETCD_URL, _ETCD_PEER_URL))


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
        "quota-backend-bytes": 4 * 2**30,
        "auto-compaction-retention": "1h",
        # A cluster for development starts anew after a crash: durability would only cost time.
        "unsafe-no-fsync": "true",
        "log-level": "warn",
    }


def apiserver(paths: Paths) -> Daemon:
    flags = apiserver_flags(paths, topology.HOST, topology.API_PORT, _ETCD_URL)
    return command(paths, "kube-apiserver", paths.bin / "kube-apiserver", flags)


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
        # The issuer is the API server itself, so that whoever can reach it (the AKS emulator,
        # say) finds the keys of federated tokens where OpenID discovery says.
        "service-account-issuer": f"https://{host}:{port}",
        "enable-aggregator-routing": "true",
        "shutdown-delay-duration": "0s",
        **_apiserver_keys(paths),
        **_front_proxy(paths),
    }


def _apiserver_keys(paths: Paths) -> dict[str, object]:
    """What the API server shows to clients, to etcd and to kubelets, and signs tokens with."""
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
    """How aggregated API servers know that a request comes from this one, and for whom."""
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
        **_as_client(kubeconfig, topology.CONTROLLER_MANAGER_PORT),
        "root-ca-file": authority.cert,
        "cluster-signing-cert-file": authority.cert,
        "cluster-signing-key-file": authority.key,
        "service-account-private-key-file": _pair(paths, certificates.SERVICE_ACCOUNT).key,
        "use-service-account-credentials": "true",
        "flex-volume-plugin-dir": paths.volume_plugins,
        "service-cluster-ip-range": topology.SERVICE_RANGE,
    }
    program = paths.bin / "kube-controller-manager"
    return command(paths, "kube-controller-manager", program, flags)


def scheduler(paths: Paths) -> Daemon:
    kubeconfig = paths.config / "scheduler.kubeconfig"
    flags = _as_client(kubeconfig, topology.SCHEDULER_PORT)
    return command(paths, "kube-scheduler", paths.bin / "kube-scheduler", flags)


def host_proxy(paths: Paths) -> Daemon:
    """So that the host's own processes, the API server with its webhooks first, reach Services."""
    config = paths.config / "kube-proxy.json"
    return command(paths, "kube-proxy", paths.bin / "kube-proxy", {"config": config})


def _as_client(kubeconfig: Path, port: int) -> dict[str, object]:
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
    """The control plane's configuration files but its kubeconfigs: path -> content."""
    host = kube_proxy.render(paths.config / "kube-proxy.kubeconfig", node="kaito-host")
    return {paths.config / "kube-proxy.json": host}
