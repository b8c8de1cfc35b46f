"""The repository of tuning.output.image, with the push secret's credentials."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from kaito_process.retry_policy import RetryPolicy
from kaito_registry import registry_client
from kaito_registry.reference import Reference
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.registry.http_repository import HttpRepository
from tuner.registry.push_errors import PushErrors
from tuner.registry.push_secret import read_push_secret
from tuner.settings import Settings


@contextmanager
def output_repository(settings: Settings, reference: Reference) -> Iterator[HttpRepository]:
    """The repository of `reference`, while the block runs.

    Raises:
        RunError: the push secret cannot be used.
    """
    name = settings.push_secret_name
    secret = f"the secret {name!r}" if name else "the push secret"
    credentials = read_push_secret(settings.push_secret_file, reference, secret)
    errors = PushErrors(reference=reference, credentials=credentials, secret=secret)
    with new_client(settings.registry_ca_file) as client:
        yield HttpRepository(
            client=registry_client.RegistryClient(
                client=client,
                reference=reference,
                credentials=credentials,
                insecure=reference.registry in settings.insecure_registries,
                errors=errors,
                scope="pull,push",
            ),
            retry_policy=RetryPolicy(),
            errors=errors,
        )


def new_client(ca_file: Path | None) -> httpx2.Client:
    """A client that also trusts the CA certificates in `ca_file`, if it exists.

    Raises:
        RunError: REGISTRY_UNREACHABLE, `ca_file` holds no certificate.
    """
    try:
        has_file = ca_file is not None and ca_file.exists()
        return registry_client.new_client(ca_file.read_text() if ca_file and has_file else None)
    except (OSError, ValueError) as error:
        raise RunError(
            Reason.REGISTRY_UNREACHABLE,
            f"{ca_file} (KAITO_REGISTRY_CA_FILE) holds {error}; "
            "correct the key ca.crt of the push secret",
        ) from error
