"""The repository of tuning.output.image, with the push secret's credentials."""

from collections.abc import Iterator
from contextlib import contextmanager

from tuner.registry import registry_client
from tuner.registry.credentials import read_credentials
from tuner.registry.http_repository import HttpRepository
from tuner.registry.push_errors import PushErrors
from tuner.registry.reference import Reference
from tuner.retry import RetryPolicy
from tuner.settings import Settings


@contextmanager
def output_repository(settings: Settings, reference: Reference) -> Iterator[HttpRepository]:
    """The repository of `reference`, while the block runs.

    Raises:
        RunError: the push secret cannot be used.
    """
    name = settings.push_secret_name
    secret = f"the secret {name!r}" if name else "the push secret"
    credentials = read_credentials(settings.push_secret_file, reference, secret)
    with registry_client.new_client(settings.registry_ca_file) as client:
        yield HttpRepository(
            client=registry_client.RegistryClient(
                client=client,
                reference=reference,
                credentials=credentials,
                insecure=reference.registry in settings.insecure_registries,
                errors=PushErrors(reference=reference, credentials=credentials, secret=secret),
            ),
            retry_policy=RetryPolicy(),
        )
