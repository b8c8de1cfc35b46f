"""The cluster's certificates, created with the openssl program.

One authority signs the servers and clients of the API, one the API server's front proxy, one both
ends of the etcd connection. All of them belong to one cluster and never leave its home folder.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.local_cluster import topology
from tools.local_cluster.processes.commands import run

# The longest lifetime that common TLS clients accept for a server certificate.
DAYS: Final = "825"
CA: Final = "ca"
FRONT_PROXY_CA: Final = "front-proxy-ca"
ETCD_CA: Final = "etcd-ca"
SERVICE_ACCOUNT: Final = "service-account"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate request. `organization` is the user's group, `hosts` the server's names."""

    name: str
    common_name: str
    organization: str = ""
    hosts: Sequence[str] = ()
    authority: str = CA


@dataclass(frozen=True, slots=True)
class Pair:
    """The paths of a certificate and its key."""

    cert: Path
    key: Path


CONTROL_PLANE: Final = (
    Certificate(
        name="apiserver",
        common_name="kube-apiserver",
        hosts=(
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            f"kubernetes.default.svc.{topology.CLUSTER_DOMAIN}",
            "localhost",
            topology.HOST,
            topology.API_SERVICE,
            "127.0.0.1",
        ),
    ),
    Certificate(
        name="apiserver-kubelet", common_name="kube-apiserver", organization="system:masters"
    ),
    Certificate(name="admin", common_name="kaito-admin", organization="system:masters"),
    Certificate(name="controller-manager", common_name="system:kube-controller-manager"),
    Certificate(name="scheduler", common_name="system:kube-scheduler"),
    Certificate(name="kube-proxy", common_name="system:kube-proxy"),
    Certificate(name="coredns", common_name="system:coredns"),
    Certificate(name="front-proxy", common_name="front-proxy", authority=FRONT_PROXY_CA),
    Certificate(
        name="etcd", common_name="etcd", hosts=("localhost", "127.0.0.1"), authority=ETCD_CA
    ),
    Certificate(name="etcd-client", common_name="kube-apiserver", authority=ETCD_CA),
)


def kubelet_certificate(node: str, address: str) -> Certificate:
    """One certificate for both of the kubelet's roles: API client, and server of logs and exec."""
    return Certificate(
        name=f"kubelet-{node}",
        common_name=f"system:node:{node}",
        organization="system:nodes",
        hosts=(node, address),
    )


def pair(folder: Path, name: str) -> Pair:
    return Pair(folder / f"{name}.crt", folder / f"{name}.key")


def subject(certificate: Certificate) -> str:
    organization = f"/O={certificate.organization}" if certificate.organization else ""
    return f"{organization}/CN={certificate.common_name}"


def extensions(certificate: Certificate) -> tuple[str, ...]:
    """The X.509 extensions in the syntax of openssl's `-addext`."""
    names = ",".join(f"{'IP' if _is_address(h) else 'DNS'}:{h}" for h in certificate.hosts)
    usage = "clientAuth,serverAuth" if names else "clientAuth"
    common = (
        "basicConstraints=critical,CA:FALSE",
        "keyUsage=critical,digitalSignature,keyEncipherment",
        f"extendedKeyUsage={usage}",
    )
    return (*common, f"subjectAltName={names}") if names else common


def _is_address(host: str) -> bool:
    return host.replace(".", "").isdigit()


def create_all(folder: Path) -> None:
    """Create the authorities, the control plane's certificates and the token signing key."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in (CA, FRONT_PROXY_CA, ETCD_CA):
        _create_authority(folder, name)
    for certificate in CONTROL_PLANE:
        create(folder, certificate)
    _create_token_key(folder)


def create(folder: Path, certificate: Certificate) -> Pair:
    """Create the certificate and its key unless they exist."""
    files, authority = pair(folder, certificate.name), pair(folder, certificate.authority)
    if not files.cert.exists():
        issuer = ["-CA", str(authority.cert), "-CAkey", str(authority.key)]
        added = [word for text in extensions(certificate) for word in ("-addext", text)]
        _request(files, subject(certificate), [*issuer, *added])
    return files


def _create_authority(folder: Path, name: str) -> None:
    usage = ["-addext", "keyUsage=critical,digitalSignature,keyCertSign,cRLSign"]
    _request(pair(folder, name), f"/CN=kaito-local {name}", usage)


def _request(files: Pair, name: str, options: Sequence[str]) -> None:
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    # The certificate gets its final name last: `create` takes that as the sign of a complete pair.
    unfinished = files.cert.with_suffix(".new")
    output = ["-keyout", str(files.key), "-out", str(unfinished)]
    run("openssl", "req", "-x509", *key, "-days", DAYS, "-subj", name, *output, *options)
    files.key.chmod(0o600)
    shutil.move(unfinished, files.cert)


def _create_token_key(folder: Path) -> None:
    """RSA, because the clouds' workload identity federation accepts only RS256 tokens."""
    files = pair(folder, SERVICE_ACCOUNT)
    run("openssl", "genrsa", "-out", str(files.key), "2048")
    run("openssl", "rsa", "-in", str(files.key), "-pubout", "-out", str(files.cert))
