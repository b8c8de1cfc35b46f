"""The state that the gRPC service answers from: name, admission, metrics, and the loaded model."""

from dataclasses import dataclass, field

from model_server.adapters.registry import AdapterRegistry
from model_server.calls.admission import AdmissionControl
from model_server.engine import Engine, ModelInfo
from model_server.errors import EngineFailed
from model_server.metrics import Metrics
from model_server.startup.start_report import StartReport


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """A loaded model with its engine and adapters, and how it was started."""

    engine: Engine
    adapters: AdapterRegistry
    model: ModelInfo
    loaded_unix_seconds: int
    start: StartReport = field(default_factory=StartReport)


@dataclass(slots=True, kw_only=True)
class ServingState:
    """Shared by service and server. The server sets `served` before it admits requests."""

    name: str
    admission: AdmissionControl
    metrics: Metrics
    pod_address: str = ""
    served: ServedModel | None = None

    def require_served(self) -> ServedModel:
        """The loaded model.

        Raises:
            Unavailable: the server is loading or draining.
            EngineFailed: requests were admitted before the model was loaded.
        """
        self.admission.check_serving()
        if self.served is None:
            raise EngineFailed("requests were admitted before the model was loaded")
        return self.served
