"""Checks the signature of an image before anything of it is unpacked."""

from kaito_registry.attached_blobs import read_attached
from kaito_registry.manifest import ImageInvalid
from kaito_registry.reference import Reference
from kaito_registry.repository_reader import RepositoryReader
from kaito_signatures.bundle import BUNDLE_TYPE
from kaito_signatures.errors import KeyUnusable, SignatureRefused
from kaito_signatures.public_key import parse_public_keys
from kaito_signatures.verification import require_signature
from model_server.pulled_adapters.pull_errors import PullFailed
from model_server.pulled_adapters.wanted import Verification


def require_signed(
    repository: RepositoryReader, reference: Reference, verification: Verification
) -> str:
    """The fingerprint of the key that signed the image; `reference` has its digest.

    Raises:
        PullFailed: none of the keys has.
    """
    source = verification.source
    try:
        keys = parse_public_keys(verification.public_keys.encode())
        bundles = read_attached(repository, reference.digest, BUNDLE_TYPE)
        return require_signature(reference.digest, bundles, keys, source).fingerprint
    except KeyUnusable as error:
        problem = f"{reference} is not verified: {source} {error}"
    except (SignatureRefused, ImageInvalid) as error:
        problem = f"{reference} {error}"
    # Retried: it may be signed later, under the same digest.
    raise PullFailed(problem, retryable=True, unverified=True)
