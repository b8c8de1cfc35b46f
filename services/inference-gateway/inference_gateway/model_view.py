"""Which models a client may know of. Without keys, all of them."""

from collections.abc import Callable, Iterable
from typing import Protocol

from inference_gateway.endpoints.endpoint import Endpoint


class ModelView(Protocol):
    """What one client sees."""

    def may_see(self, endpoint: Endpoint) -> bool:
        """Whether any model of the endpoint may be used."""
        ...

    def may_use(self, endpoint: Endpoint, name: str) -> bool:
        """Whether `name` of the endpoint may be used."""
        ...


class EveryModel:
    """Implements `ModelView`."""

    def may_see(self, endpoint: Endpoint) -> bool:
        return True

    def may_use(self, endpoint: Endpoint, name: str) -> bool:
        return True


Headers = Iterable[tuple[bytes, bytes]]
# From a request's headers; raises RequestRejected, 401.
ViewOf = Callable[[Headers], ModelView]
_EVERY_MODEL = EveryModel()


def see_every_model(headers: Headers) -> ModelView:
    """The view where there are no keys."""
    return _EVERY_MODEL
