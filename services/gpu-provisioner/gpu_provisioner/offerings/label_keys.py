"""The label keys that a claim's requirements can use, under Karpenter's names."""

from typing import Final

from kaito_api import labels

ON_DEMAND: Final = "on-demand"
SPOT: Final = "spot"

SKU_NAME: Final = "karpenter.azure.com/sku-name"
SKU_FAMILY: Final = "karpenter.azure.com/sku-family"
SKU_VERSION: Final = "karpenter.azure.com/sku-version"
SKU_CPU: Final = "karpenter.azure.com/sku-cpu"
SKU_MEMORY: Final = "karpenter.azure.com/sku-memory"
GPU_NAME: Final = "karpenter.azure.com/sku-gpu-name"
GPU_MANUFACTURER: Final = "karpenter.azure.com/sku-gpu-manufacturer"
GPU_COUNT: Final = "karpenter.azure.com/sku-gpu-count"
# The memory of one GPU in MiB. Karpenter for Azure has no such key; this is
# karpenter.k8s.aws/instance-gpu-memory under Azure's group.
GPU_MEMORY: Final = "karpenter.azure.com/sku-gpu-memory"

NAMES: Final = frozenset({labels.INSTANCE_TYPE, SKU_NAME})
"""Keys whose value is the name of the instance type."""

DESCRIPTIVE: Final = frozenset(
    {SKU_FAMILY, SKU_VERSION, SKU_CPU, SKU_MEMORY, GPU_NAME, GPU_MANUFACTURER, GPU_COUNT,
     GPU_MEMORY}
)  # fmt: skip
"""Keys that distinguish instance types without naming them."""

OF_TYPE: Final = frozenset(
    {*NAMES, *DESCRIPTIVE, labels.REGION, labels.ARCH, labels.OPERATING_SYSTEM, labels.MACHINE_TYPE}
)
OF_OFFERING: Final = frozenset({labels.ZONE, labels.CAPACITY_TYPE})

# Deprecated names of the same labels, and AKS's own.
_ALIASES: Final = {
    "beta.kubernetes.io/instance-type": labels.INSTANCE_TYPE,
    "beta.kubernetes.io/arch": labels.ARCH,
    "beta.kubernetes.io/os": labels.OPERATING_SYSTEM,
    "failure-domain.beta.kubernetes.io/region": labels.REGION,
    "failure-domain.beta.kubernetes.io/zone": labels.ZONE,
    "kubernetes.azure.com/sku-cpu": SKU_CPU,
    "kubernetes.azure.com/sku-memory": SKU_MEMORY,
}


def canonical(key: str) -> str:
    return _ALIASES.get(key, key)
