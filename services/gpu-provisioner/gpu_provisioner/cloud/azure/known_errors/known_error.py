"""What is known about one error of Azure: how it arrives, and what it means here."""

from dataclasses import dataclass
from enum import StrEnum

from kaito_api.reasons import Reason

AKS = "https://learn.microsoft.com/troubleshoot/azure/azure-kubernetes"
ARM = "https://learn.microsoft.com/azure/azure-resource-manager"
AKS_ISSUES = "https://github.com/Azure/AKS/issues"
TERRAFORM_ISSUES = "https://github.com/hashicorp/terraform-provider-azurerm/issues"
COMMON_ERRORS = f"{ARM}/troubleshooting/common-deployment-errors"


class Kind(StrEnum):
    """Which of the typed errors of `gpu_provisioner.cloud.errors` it becomes."""

    REFUSED = "LaunchRefused"
    UNAUTHORIZED = "Unauthorized"
    THROTTLED = "CloudUnavailable"
    BUSY = "PoolBusy"


@dataclass(frozen=True, slots=True)
class KnownError:
    """A row of the table.

    `code` is Azure's, the innermost where AKS wraps another service's error. `status` is the HTTP
    status of the response, None where the operation was accepted and failed later. `message` is
    Azure's, as the `source` quotes it, shortened and with names and ids replaced; where the source
    lists only the code, as Azure phrases it. `pattern` is a regular expression for the message: it
    distinguishes the errors of an ambiguous code, and recognizes the error under an unknown one.
    `remedy` replaces the reason's where it helps more.
    """

    code: str
    status: int | None
    message: str
    reason: Reason
    source: str
    kind: Kind = Kind.REFUSED
    pattern: str = ""
    remedy: str = ""
