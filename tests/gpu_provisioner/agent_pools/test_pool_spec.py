"""A claim's agent pool, and what is rejected with field, value and remedy."""

from typing import Any

import pytest

from gpu_provisioner.agent_pools import pool_spec
from gpu_provisioner.agent_pools.agent_pool_profile import InvalidClaim
from gpu_provisioner.claims import claim
from gpu_provisioner.cloud.pools import PoolSpec
from gpu_provisioner.offerings.preflight import Candidate
from gpu_provisioner.pool_defaults import PoolDefaults
from kaito_api import labels
from kaito_kube.kinds import NODE_CLAIM
from tests.gpu_provisioner.world import claim_manifest

GPU = "Standard_NC6s_v3"


def spec(
    annotations: dict[str, str] | None = None,
    defaults: PoolDefaults | None = None,
    instance_type: str = GPU,
    **changes: Any,
) -> PoolSpec:
    manifest = claim_manifest(NODE_CLAIM, **changes)
    manifest["metadata"] |= {
        "uid": "u1",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "annotations": annotations or {},
    }
    asked = claim.parse(NODE_CLAIM, manifest)
    chosen = Candidate(instance_type=instance_type)
    return pool_spec.pool_spec_for(asked, chosen, "aks", defaults or PoolDefaults())


@pytest.mark.parametrize(
    ("storage", "gib"),
    [
        ("50Gi", 50),
        ("50G", 47),
        ("51200Mi", 50),
        ("50000Mi", 49),
        ("52428800Ki", 50),
        ("2Ti", 2048),
        ("1T", 932),
        ("400", 400),
        ("99.5", 100),
        ("53687091200", 50),
        ("5e10", 47),
        ("0", None),
    ],
)
def test_disk_is_rounded_up_to_whole_gib(storage: str, gib: int | None) -> None:
    assert spec(resources={"requests": {"storage": storage}}).os_disk_gib == gib


@pytest.mark.parametrize(
    ("storage", "text"),
    [
        ("29Gi", "'29Gi' is 29 GiB: AKS accepts 30 to 2048"),
        ("3000Gi", "is 3000 GiB"),
        ("4096", "is 1 GiB: AKS accepts 30 to 2048. Write it with its unit"),
        ("500m", "is 1 GiB"),
        ("-50Gi", "is -50 GiB"),
        ("50GB", "is not a quantity"),
    ],
)
def test_invalid_disk_size_is_rejected(storage: str, text: str) -> None:
    with pytest.raises(InvalidClaim, match=text) as error:
        spec(resources={"requests": {"storage": storage}})
    assert str(error.value).startswith("spec.resources.requests.storage")


@pytest.mark.parametrize(
    ("annotation", "value", "field", "becomes"),
    [
        (labels.NODE_IMAGE_FAMILY, "AzureLinux", "os_sku", "AzureLinux"),
        (labels.NODE_IMAGE_FAMILY, "ubuntu2404", "os_sku", "Ubuntu2404"),
        (labels.OS_DISK_TYPE, "Ephemeral", "os_disk_type", "Ephemeral"),
        (labels.GPU_DRIVER, "none", "gpu_driver", "None"),
        (labels.GPU_INSTANCE_PROFILE, "MIG1g", "gpu_instance_profile", "MIG1g"),
        (labels.SPOT_MAX_PRICE, "0.98765", "spot_max_price", 0.98765),
        (labels.SPOT_MAX_PRICE, "-1", "spot_max_price", -1.0),
        (labels.SPOT_MAX_PRICE, "", "spot_max_price", -1.0),
    ],
)
def test_annotations_set_pool_fields(
    annotation: str, value: str, field: str, becomes: object
) -> None:
    assert getattr(spec({annotation: value}), field) == becomes


@pytest.mark.parametrize(
    ("annotation", "value", "remedy"),
    [
        (labels.NODE_IMAGE_FAMILY, "debian", "use one of ubuntu, ubuntu2204"),
        (labels.OS_DISK_TYPE, "local", "use one of managed, ephemeral"),
        (labels.GPU_DRIVER, "yes", "use one of install, none"),
        (labels.GPU_INSTANCE_PROFILE, "1g", "use one of mig1g, mig2g"),
        (labels.SPOT_MAX_PRICE, "0", "US dollars an hour above 0"),
        (labels.SPOT_MAX_PRICE, "1.234567", "at most five decimals"),
        (labels.SPOT_MAX_PRICE, "nan", "use -1 or"),
    ],
)
def test_invalid_annotation_is_rejected(annotation: str, value: str, remedy: str) -> None:
    with pytest.raises(InvalidClaim) as error:
        spec({annotation: value})
    assert str(error.value).startswith(f"annotation {annotation} {value!r}: ")
    assert remedy in str(error.value)


DEFAULTS = PoolDefaults(
    os_sku="AzureLinux",
    os_disk_type="Managed",
    gpu_driver="None",
    spot_max_price=2.5,
    subnet_id="/subnet",
    proximity_placement_group_id="/ppg",
    max_pods=30,
    encryption_at_host=True,
    tags={"cost-center": "7", "kaito-claim": "not this"},
)


def test_defaults_apply_without_annotations() -> None:
    created = spec(defaults=DEFAULTS)
    assert (created.os_sku, created.os_disk_type, created.gpu_driver) == (
        "AzureLinux",
        "Managed",
        "None",
    )
    assert (created.spot_max_price, created.subnet_id, created.max_pods) == (2.5, "/subnet", 30)
    assert (created.proximity_placement_group_id, created.encryption_at_host) == ("/ppg", True)
    annotated = spec({labels.GPU_DRIVER: "install", labels.OS_DISK_TYPE: "ephemeral"}, DEFAULTS)
    assert (annotated.gpu_driver, annotated.os_disk_type) == ("Install", "Ephemeral")


def test_size_without_gpus_gets_no_driver() -> None:
    created = spec({labels.GPU_INSTANCE_PROFILE: "MIG1g"}, DEFAULTS, "Standard_D4s_v5")
    assert (created.gpu_driver, created.gpu_instance_profile) == ("", "")


def test_pool_has_tags_for_cost_and_leaks() -> None:
    assert spec(defaults=DEFAULTS).tags == {
        "cost-center": "7",
        "kaito-managed-by": "gpu-provisioner",
        "kaito-cluster": "aks",
        "kaito-workspace": "default/phi",
        "kaito-claim": "ws0123456ab",
        "kaito-claim-kind": "NodeClaim",
        "kaito-claim-uid": "u1",
    }
