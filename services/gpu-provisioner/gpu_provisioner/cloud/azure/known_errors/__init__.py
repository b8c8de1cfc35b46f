"""Every error of AKS and of Azure's compute service that this provisioner tells apart, as data."""

from typing import Final

from gpu_provisioner.cloud.azure.known_errors.known_error import Kind, KnownError
from gpu_provisioner.cloud.azure.known_errors.machines import MACHINES
from gpu_provisioner.cloud.azure.known_errors.network import NETWORK
from gpu_provisioner.cloud.azure.known_errors.permissions import PERMISSIONS
from gpu_provisioner.cloud.azure.known_errors.shortages import SHORTAGES
from gpu_provisioner.cloud.azure.known_errors.waiting import WAITING

__all__ = ["KNOWN_ERRORS", "Kind", "KnownError"]

# Owners' rules come first: their texts are free and may match any other error's pattern.
KNOWN_ERRORS: Final = (*PERMISSIONS, *NETWORK, *WAITING, *SHORTAGES, *MACHINES)
"""In the order in which their patterns are tried."""
