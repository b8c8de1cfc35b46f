"""Settings from the environment, and errors about unusable variables."""

import pytest

from kaito_process.environment import SettingError
from workspace_controller.settings import ModelDelivery, NodeProvisioner, Settings

IMAGES = {
    "KAITO_TUNER_IMAGE": "tuner:1",
    "KAITO_MODEL_SERVER_IMAGE": "server:1",
    "KAITO_GATEWAY_IMAGE": "gateway:1",
}


def test_defaults() -> None:
    settings = Settings.from_env(IMAGES)
    assert settings.node_provisioner is NodeProvisioner.MACHINE
    assert settings.model_delivery is ModelDelivery.IMAGE_VOLUME
    assert settings.webhook_service == "" and settings.http_port == 8080
    assert settings.gateway.resources == {"requests": {"cpu": "50m", "memory": "96Mi"}}


def test_every_variable_is_read() -> None:
    settings = Settings.from_env(
        {
            **IMAGES,
            "KAITO_NODE_PROVISIONER": "NodeClaim",
            "KAITO_MODEL_SERVER_ENV": '{"OMP_NUM_THREADS": 2}',
            "KAITO_TUNER_RESOURCES": '{"limits": {"memory": "4Gi"}}',
            "KAITO_INSECURE_REGISTRIES": "a:5000, b",
            "KAITO_PRESET_REGISTRY": "r/p/",
            "KAITO_MODEL_CACHE": "/var/lib/kaito/models",
        }
    )
    assert settings.node_provisioner is NodeProvisioner.NODECLAIM
    assert settings.model_server.env == {"OMP_NUM_THREADS": "2"}
    assert settings.tuner.resources == {"limits": {"memory": "4Gi"}}
    assert settings.insecure_registries == ("a:5000", "b")
    assert settings.preset_registry == "r/p"
    assert settings.model_cache == "/var/lib/kaito/models"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KAITO_TUNER_IMAGE", ""),
        ("KAITO_NODE_PROVISIONER", "magic"),
        ("KAITO_MODEL_DELIVERY", "post"),
        ("KAITO_TUNER_ENV", "[1]"),
        ("KAITO_GATEWAY_RESOURCES", "{"),
        ("KAITO_NODE_CLASS", "default"),
        ("KAITO_MODEL_CACHE", "models"),
        ("KAITO_MODEL_CACHE", "/models"),
        ("KAITO_MODEL_CACHE", "/var/../etc"),
        ("KAITO_WEBHOOK_PORT", "70000"),
        ("KAITO_MAX_MODEL_NODES", "0"),
        ("KAITO_CONCURRENCY", "many"),
        ("KAITO_PROGRESS_SECONDS", "0"),
        ("KAITO_TERMINATION_GRACE_PERIOD_SECONDS", "29"),
        ("KAITO_GPU_NODE_READY", "perhaps"),
        ("KAITO_LOG_LEVEL", "loud"),
    ],
)
def test_unusable_variable_is_named_with_its_value(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=name) as error:
        Settings.from_env({**IMAGES, name: value})
    assert value in str(error.value)
