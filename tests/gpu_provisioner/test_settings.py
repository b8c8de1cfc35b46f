"""The settings about which cluster and which claims there are."""

import pytest

from gpu_provisioner.settings import Settings
from kaito_process.environment import SettingError

REQUIRED = dict.fromkeys(
    (
        "KAITO_AZURE_SUBSCRIPTION_ID",
        "KAITO_AZURE_RESOURCE_GROUP",
        "KAITO_AZURE_CLUSTER_NAME",
        "KAITO_AZURE_LOCATION",
        "KAITO_AZURE_TENANT_ID",
        "KAITO_AZURE_CLIENT_ID",
        "KAITO_RELEASE_NAMESPACE",
        "KAITO_POD_NAME",
    ),
    "x",
)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [("", set()), ("machines", {"machines"}), ("machines, nodeclaims", {"machines", "nodeclaims"})],
)
def test_absent_kinds_are_read(text: str, kinds: set[str]) -> None:
    settings = Settings.from_env({**REQUIRED, "KAITO_ABSENT_CLAIM_KINDS": text})
    assert settings.absent_claim_kinds == kinds


def test_unknown_kind_is_refused_with_what_is_allowed() -> None:
    environ = {**REQUIRED, "KAITO_ABSENT_CLAIM_KINDS": "machines,Pods"}
    with pytest.raises(SettingError) as refused:
        Settings.from_env(environ)
    text = str(refused.value)
    assert "KAITO_ABSENT_CLAIM_KINDS" in text and "Pods" in text
    assert "use machines or nodeclaims" in text


def test_cluster_is_verified_unless_that_is_turned_off() -> None:
    assert Settings.from_env(REQUIRED).azure.verify_cluster
    off = {**REQUIRED, "KAITO_AZURE_VERIFY_CLUSTER": "false"}
    assert not Settings.from_env(off).azure.verify_cluster
