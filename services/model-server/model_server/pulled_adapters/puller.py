"""Pulls the files of an adapter out of its image."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kaito_process.retry_policy import RetryPolicy
from kaito_registry.layer_files import Selection
from kaito_registry.manifest import ContentAltered, ImageInvalid
from kaito_registry.pull import pull, resolve
from kaito_registry.reference import Reference, parse_reference
from kaito_registry.registry_client import RegistryClient, new_client
from kaito_registry.repository_reader import RepositoryReader
from model_server.adapters.adapter_files import CONFIG_FILE, WEIGHTS_FILE
from model_server.pulled_adapters.pull_errors import PullErrors, PullFailed
from model_server.pulled_adapters.signature_check import require_signed
from model_server.pulled_adapters.wanted import Verification, WantedAdapter

# Far above the adapters of the largest models: 3 GB at rank 64 for 70 billion parameters.
MAX_BYTES = 16 * 2**30
_FILES = Selection(folder="data", names=frozenset({CONFIG_FILE, WEIGHTS_FILE}), max_bytes=MAX_BYTES)
# The pod's readiness may wait for it; the pull is repeated later all the same.
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class PulledImage:
    """The image by its digest, and the fingerprint of its key if a signature was demanded."""

    image: str
    signed_by: str = ""


class Puller(Protocol):
    """The seam to container registries. It blocks, so it is called in a thread."""

    def pull(self, entry: WantedAdapter, target: Path) -> PulledImage:
        """Pull the adapter's files into an empty folder.

        Raises:
            PullFailed: says what is wrong, where, and what to do.
        """
        ...


@dataclass(slots=True, kw_only=True)
class _StoppableReader(RepositoryReader):
    """`check` is called before each chunk, and may raise."""

    check: Callable[[], None]

    def read_blob(self, digest: str, write: Callable[[bytes], object]) -> None:
        def checked(chunk: bytes) -> None:
            self.check()
            write(chunk)

        RepositoryReader.read_blob(self, digest, checked)


class RegistryPuller:
    """Pulls over HTTP. After `stop`, a pull that is under way ends at its next chunk or pause."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def pull(self, entry: WantedAdapter, target: Path) -> PulledImage:
        access = entry.access
        try:
            reference = parse_reference(entry.image)
        except ValueError as error:
            remedy = "correct source.image to <registry>/<repository>:<tag> or @sha256:<digest>"
            raise PullFailed(f"{error}; {remedy}", retryable=False) from error
        try:
            client = new_client(access.ca_certificates or None)
        except ValueError as error:
            problem = f"{access.source}: its key ca.crt holds {error}"
            raise PullFailed(problem, retryable=False) from error
        with client:
            requests = RegistryClient(
                client=client,
                reference=reference,
                credentials=access.credentials,
                insecure=access.plain_http,
                errors=PullErrors(reference=reference, access=access),
            )
            repository = _StoppableReader(
                client=requests,
                retry_policy=RetryPolicy(max_attempts=_ATTEMPTS, sleep=self._pause),
                check=self._check,
            )
            try:
                return _pull(repository, reference, entry.verification, target)
            except ImageInvalid as error:
                # What a signature is demanded for must be what is signed, byte for byte.
                altered = isinstance(error, ContentAltered) and entry.verification is not None
                raise PullFailed(
                    f"{reference} {error}", retryable=True, unverified=altered
                ) from error
            except OSError as error:
                raise PullFailed(
                    f"{reference} cannot be stored: {error}", retryable=True
                ) from error

    def _pause(self, seconds: float) -> None:
        self._stop.wait(seconds)
        self._check()

    def _check(self) -> None:
        if self._stop.is_set():
            raise PullFailed("the server is stopping", retryable=True)


def _pull(
    repository: RepositoryReader,
    reference: Reference,
    verification: Verification | None,
    target: Path,
) -> PulledImage:
    """The signature first, and then what it is about: the tag may move in between."""
    signed_by = ""
    if verification is not None:
        reference = reference.at(resolve(repository, reference))
        signed_by = require_signed(repository, reference, verification)
    digest = pull(repository, reference, _FILES, target)
    return PulledImage(str(reference.at(digest)), signed_by)
