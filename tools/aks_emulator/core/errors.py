"""Errors as values, with the codes and messages of Resource Manager and AKS. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tools.aks_emulator.core.model import Failure, Json, OperationKind

NAMING = "Please see https://aka.ms/aks-naming-rules for more details."
PENDING = "See https://aka.ms/aks-pending-operation for more details."


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmError:
    """An error response; `headers` are sent with it (Retry-After, for example), and `document`
    instead of the usual body."""

    status: int
    code: str
    message: str
    target: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    document: Json | None = None

    def body(self) -> Json:
        if self.document is not None:
            return self.document
        error: Json = {"code": self.code, "message": self.message}
        if self.target is not None:
            error["target"] = self.target
        return {"error": error}

    def failure(self) -> Failure:
        return Failure(self.code, self.message)


def unknown_path(method: str, path: str) -> ArmError:
    message = (
        f"The emulator does not support {method} {path}. docs/aks-emulator.md lists its calls."
    )
    return ArmError(status=404, code="InvalidResourceType", message=message, target=path)


def method_not_allowed(method: str, path: str) -> ArmError:
    message = f"The requested resource {path} does not support http method '{method}'."
    return ArmError(status=405, code="UnsupportedMediaType", message=message, target=path)


def subscription_not_found(subscription: str) -> ArmError:
    message = f"The subscription '{subscription}' could not be found."
    return ArmError(status=404, code="SubscriptionNotFound", message=message)


def subscription_disabled(subscription: str) -> ArmError:
    message = (
        f"The subscription '{subscription}' is disabled and therefore marked as read only. You "
        "cannot perform any write actions on this subscription until it is re-enabled."
    )
    return ArmError(status=409, code="ReadOnlyDisabledSubscription", message=message)


def group_not_found(group: str) -> ArmError:
    message = f"Resource group '{group}' could not be found."
    return ArmError(status=404, code="ResourceGroupNotFound", message=message)


def cluster_not_found(cluster: str, group: str) -> ArmError:
    message = (
        f"The Resource 'Microsoft.ContainerService/managedClusters/{cluster}' under resource group "
        f"'{group}' was not found. For more details please go to "
        "https://aka.ms/ARMResourceNotFoundFix"
    )
    return ArmError(status=404, code="ResourceNotFound", message=message)


def pool_not_found(pool: str) -> ArmError:
    message = f"Agent Pool not found: '{pool}'."
    return ArmError(status=404, code="NotFound", message=message, target="agentPoolName")


def operation_not_found(operation: str) -> ArmError:
    return ArmError(status=404, code="NotFound", message=f"Operation '{operation}' was not found.")


def location_not_found(location: str, known: str) -> ArmError:
    message = (
        f"The provided location '{location}' is not available for resource type 'locations/usages'."
        f" List of available regions is '{known}'."
    )
    return ArmError(status=400, code="LocationNotAvailableForResourceType", message=message)


def in_progress(kind: OperationKind, on: str, started: str) -> ArmError:
    message = (
        f"Operation is not allowed because there's an in progress {kind} operation on {on} started "
        f"at {started}. Please wait for it to finish before starting a new operation. {PENDING}"
    )
    return ArmError(status=409, code="OperationNotAllowed", message=message)


def cluster_stopped() -> ArmError:
    message = (
        "managed cluster is in (Stopped) power state, agent pool operations are not allowed. "
        "Start the managed cluster first."
    )
    return ArmError(status=409, code="OperationNotAllowed", message=message)


def invalid_parameter(name: str, details: str) -> ArmError:
    message = f"The value of parameter {name} is invalid. Error details: {details}"
    return ArmError(status=400, code="InvalidParameter", message=message, target=name)


def change_not_allowed(name: str) -> ArmError:
    message = f"Changing property '{name}' is not allowed."
    return ArmError(status=400, code="PropertyChangeNotAllowed", message=message, target=name)


def bad_request(message: str, target: str | None = None) -> ArmError:
    return ArmError(status=400, code="BadRequest", message=message, target=target)


def etag_mismatch() -> ArmError:
    message = "Etag doesn't match. The resource was changed, or exists already. Read it again."
    return ArmError(status=412, code="EtagMismatch", message=message)


def not_authenticated(code: str, message: str) -> ArmError:
    challenge = f'Bearer error="invalid_token", error_description="{message}"'
    return ArmError(status=401, code=code, message=message, headers={"WWW-Authenticate": challenge})


def not_authorized(client: str, action: str, scope: str) -> ArmError:
    message = (
        f"The client '{client}' with object id '{client}' does not have authorization to perform "
        f"action '{action}' over scope '{scope}' or the scope is invalid. If access was recently "
        "granted, please refresh your credentials."
    )
    return ArmError(status=403, code="AuthorizationFailed", message=message)


def throttled(retry_after: int, scope: str) -> ArmError:
    message = (
        "The request is being throttled as the limit has been reached for operation type - "
        f"{scope}. Retry after {retry_after} seconds. For more information, see "
        "https://aka.ms/srpthrottlinglimits"
    )
    return ArmError(
        status=429,
        code="TooManyRequests",
        message=message,
        headers={"Retry-After": str(retry_after)},
    )


def server_error() -> ArmError:
    return ArmError(
        status=500, code="InternalOperationError", message="Internal server error, please retry."
    )
