"""The chart's values for the local cluster. Pure."""

from typing import Any

Values = dict[str, Any]


def _image(reference: str) -> Values:
    repository, tag = reference.rsplit(":", 1)
    return {"repository": repository, "tag": tag}


def values(
    images: dict[str, str], registries: list[str], provisioner: str, model_env: dict[str, str]
) -> Values:
    """The values for the given images (by service name).

    `registries` speak plain HTTP, and the first one holds the presets. `model_env` is for the pods
    that run a model.
    """
    return {
        "global": {"nodeProvisioner": provisioner},
        "workspace-controller": {
            "image": _image(images["workspace-controller"]),
            "workloads": {
                # The GPUs of the local nodes are only advertised.
                "engine": "transformers",
                "tuner": _image(images["tuner"]),
                "modelServer": _image(images["model-server"]),
                "modelServerSlim": _image(images["model-server-slim"]),
                "gateway": _image(images["inference-gateway"]),
            },
            "settings": {
                "presetRegistry": registries[0],
                "insecureRegistries": registries,
                # The local cluster has no way out.
                "priceList": "none",
                # The dataset is served inside the cluster.
                "allowPrivateDataHosts": True,
                "tunerEnv": model_env,
                "modelServerEnv": model_env,
            },
            # The emulator advertises the GPUs; there is no driver for the plugin to query.
            "nvidiaDevicePlugin": {"enabled": False},
        },
        "gpu-provisioner": {
            "image": _image(images["gpu-provisioner"]),
            "caConfigMap": "arm-ca",
            # Machines join within seconds here, so that failures can be given up on much sooner
            # than on Azure.
            "settings": {**AZURE, "registrationTimeoutSeconds": 45, "settleSeconds": 20},
        },
        "inference-gateway": {"image": _image(images["inference-gateway"])},
    }


ARM = "https://172.30.0.1:8443"

# The emulator's defaults; see docs/aks-emulator.md.
AZURE: Values = {
    "azureSubscriptionId": "00000000-0000-0000-0000-000000000001",
    "azureResourceGroup": "kaito-rg",
    "azureClusterName": "kaito-local",
    "azureLocation": "eastus",
    "azureTenantId": "00000000-0000-0000-0000-00000000000a",
    "azureClientId": "00000000-0000-0000-0000-00000000000b",
    "armEndpoint": ARM,
    "armAudience": ARM,
    "azureAuthorityHost": ARM,
    "azureInstanceDiscovery": False,
}
