"""The errors of a client of a registry."""

from typing import Protocol

import httpx2


class RegistryErrors(Protocol):
    """Makes the errors that a client raises.

    What they say depends on what the caller does with the image, and so does their type.
    """

    def refused(self, answer: str) -> Exception:
        """The registry does not do what it is asked to."""

    def unauthorized(self, answer: str) -> Exception:
        """The registry does not accept the credentials, or there are none."""

    def foreign_host_refused(self, host: str, answer: str) -> Exception:
        """A host that the registry sent the request to demands credentials."""

    def insecure_token_server(self, realm: str) -> Exception:
        """The registry's challenge would send the credentials over plain HTTP."""

    def proxy_in_the_way(self, response: httpx2.Response) -> Exception:
        """Something else than the registry answered."""

    def unreachable(self, error: Exception) -> Exception:
        """No answer, or none but transient errors."""
