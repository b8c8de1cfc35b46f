"""`Registries` over HTTP, from this machine."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx2

from kaito_process.retry_policy import RetryPolicy
from kaito_registry.answers import quote, unreachable_remedy
from kaito_registry.attached_blobs import read_attached
from kaito_registry.manifest import ImageInvalid
from kaito_registry.pull import resolve
from kaito_registry.reference import Reference
from kaito_registry.registry_client import RegistryClient, new_client
from kaito_registry.repository_reader import RepositoryReader
from kaito_signatures.bundle import BUNDLE_TYPE
from kubectl_kaito.lineage.access import Access
from kubectl_kaito.lineage.registries import Attached, RegistryTrouble

# A user waits for the answer.
_ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class HttpRegistries:
    """`pause` waits that many seconds, between two tries."""

    pause: Callable[[float], None]

    def read(self, reference: Reference, access: Access) -> Attached:
        try:
            client = new_client(access.certificates or None)
        except ValueError as error:
            raise RegistryTrouble(
                f"the key ca.crt of its Secrets or ConfigMap holds {error}"
            ) from None
        with client:
            repository = RepositoryReader(
                client=RegistryClient(
                    client=client,
                    reference=reference,
                    credentials=access.credentials,
                    insecure=access.plain_http,
                    errors=_Errors(reference, access),
                ),
                retry_policy=RetryPolicy(max_attempts=_ATTEMPTS, sleep=self.pause),
            )
            try:
                digest = resolve(repository, reference)
                bundles = read_attached(repository, digest, BUNDLE_TYPE)
            except ImageInvalid as error:
                raise RegistryTrouble(f"{reference} {error}") from None
        return Attached(digest, tuple(bundles))


@dataclass(frozen=True, slots=True)
class _Errors:
    """Implements kaito_registry.errors.RegistryErrors."""

    reference: Reference
    access: Access

    def refused(self, answer: str) -> RegistryTrouble:
        return RegistryTrouble(f"{self.reference.registry} refuses: {answer}")

    def unauthorized(self, answer: str) -> RegistryTrouble:
        registry, notes = self.reference.registry, self.access.notes
        if self.access.credentials:
            problem = f"does not accept the credentials of the pull Secret ({answer})"
        else:
            problem = "demands credentials, and no pull Secret of the adapter has some for it"
        return RegistryTrouble("; ".join((f"{registry} {problem}", *notes)))

    def foreign_host_refused(self, host: str, answer: str) -> RegistryTrouble:
        return RegistryTrouble(
            f"{self.reference.registry} sends requests on to {host}, and there {answer}"
        )

    def insecure_token_server(self, realm: str) -> RegistryTrouble:
        return RegistryTrouble(
            f"the token server of {self.reference.registry} is {realm}, and credentials are not "
            "sent over plain HTTP"
        )

    def proxy_in_the_way(self, response: httpx2.Response) -> RegistryTrouble:
        return RegistryTrouble(
            f"a proxy answered in place of {self.reference.registry}: {quote(response)}"
        )

    def unreachable(self, error: Exception) -> RegistryTrouble:
        registry = self.reference.registry
        remedy = unreachable_remedy(error, registry, "the pull Secret") or (
            "check the network of this machine: a registry inside the cluster has no address here"
        )
        notes = "".join(f"; {note}" for note in self.access.notes)
        return RegistryTrouble(f"{registry} cannot be reached from here: {error}; {remedy}{notes}")
