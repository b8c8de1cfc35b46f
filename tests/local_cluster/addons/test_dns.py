"""CoreDNS: its configuration and the objects that lead pods to it."""

from pathlib import Path

from tools.local_cluster.addons import dns
from tools.local_cluster.paths import Paths

PATHS = Paths(Path("/cache"), Path("/home"))


def test_external_names_are_forwarded_to_the_machines_resolver() -> None:
    assert "forward . /etc/resolv.conf" in dns.corefile(PATHS, Path("/etc/resolv.conf"))


def test_cluster_names_work_without_a_name_server() -> None:
    text = dns.corefile(PATHS, None)
    assert "forward" not in text
    assert "kubernetes cluster.local" in text


def test_service_leads_to_the_host() -> None:
    objects = {o["kind"]: o for o in dns.manifests().values()}
    assert objects["Service"]["spec"]["clusterIP"] == "10.96.0.10"
    assert "selector" not in objects["Service"]["spec"]
    assert objects["EndpointSlice"]["endpoints"][0]["addresses"] == ["172.30.0.1"]
    ports = {(p["name"], p["protocol"]) for p in objects["EndpointSlice"]["ports"]}
    assert ports == {("dns", "UDP"), ("dns-tcp", "TCP")}


def test_every_object_is_applied_at_its_own_path() -> None:
    for path, manifest in dns.manifests().items():
        assert path.endswith(f"/{manifest['metadata']['name']}")
