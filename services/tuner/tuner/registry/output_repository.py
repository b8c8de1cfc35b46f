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
    ca_name = settings.registry_ca_name
    credentials = read_push_secret(settings.push_secret_file, reference, secret)
    errors = PushErrors(
        reference=reference,
        credentials=credentials,
        secret=secret,
        authority=f"the ConfigMap {ca_name!r}" if ca_name else secret,
    )
    with new_client(settings.registry_ca_file, ca_name) as client:
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


def new_client(ca_file: Path | None, config_map: str = "") -> httpx2.Client:
    """A client that also trusts the CA certificates in `ca_file`, if it exists.

    `config_map` is the ConfigMap that the file is from, which has to exist; empty if it is from the
    push secret.

    Raises:
        RunError: REGISTRY_UNREACHABLE, `ca_file` holds no certificate.
    """
    place = f"the ConfigMap {config_map!r}" if config_map else "the push secret"
    try:
        if ca_file is None or not ca_file.exists():
            if config_map:
                raise ValueError("nothing")
            return registry_client.new_client()
        return registry_client.new_client(ca_file.read_text())
    except (OSError, ValueError) as error:
        raise RunError(
            Reason.REGISTRY_UNREACHABLE,
            f"the registry cannot be verified: {place} holds {error} under the key ca.crt; put the "
            "certificate of the registry's CA there, in PEM form",
        ) from error
