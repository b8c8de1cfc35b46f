"""The objects that own what a controller creates for its release exist, and it may read them."""

import pytest

from kaito_kube.kinds import Manifest
from tests.charts.render import render

SERVICES = ["workspace-controller", "gpu-provisioner"]


def named(kind: str, service: str) -> Manifest:
    (found,) = [
        manifest
        for manifest in render()
        if manifest["kind"] == kind and manifest["metadata"]["name"] == f"kaito-{service}"
    ]
    return found


def lease_name(service: str) -> str:
    (container,) = named("Deployment", service)["spec"]["template"]["spec"]["containers"]
    (variable,) = [each for each in container["env"] if each["name"] == "KAITO_LEASE_NAME"]
    return str(variable["value"])


def may_read(role: Manifest, plural: str, name: str) -> bool:
    return any(
        plural in rule["resources"] and "get" in rule["verbs"] and name in rule["resourceNames"]
        for rule in role["rules"]
        if "resourceNames" in rule
    )


@pytest.mark.parametrize("service", SERVICES)
def test_service_account_of_the_name_of_the_lease_can_be_read(service: str) -> None:
    name = named("ServiceAccount", service)["metadata"]["name"]
    assert name == lease_name(service)
    assert may_read(named("Role", service), "serviceaccounts", name)


def test_cluster_role_that_owns_the_webhook_can_be_read() -> None:
    role = named("ClusterRole", "workspace-controller")
    name = role["metadata"]["name"]
    assert name == lease_name("workspace-controller")
    assert may_read(role, "clusterroles", name)


def test_gpu_provisioner_creates_nothing_cluster_scoped_for_itself() -> None:
    role = named("ClusterRole", "gpu-provisioner")
    assert not any("clusterroles" in rule["resources"] for rule in role["rules"])
