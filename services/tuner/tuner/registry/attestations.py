"""Signs a pushed image, and attaches the signature and the provenance to it in its registry."""

import logging
from collections.abc import Iterator

from kaito_registry.attached_blobs import read_attached
from kaito_registry.manifest import ImageInvalid
from kaito_registry.reference import Reference
from kaito_registry.referrers import Referrer
from kaito_signatures.bundle import BUNDLE_TYPE
from kaito_signatures.errors import SignatureRefused
from kaito_signatures.provenance import Provenance
from kaito_signatures.signer import Signer
from kaito_signatures.statement import SIGNATURE, Statement
from kaito_signatures.verification import require_signature
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.registry.image import Image
from tuner.registry.repository import Repository

logger = logging.getLogger(__name__)


def attach_signature(
    image: Image,
    reference: Reference,
    provenance: Provenance,
    signer: Signer,
    repository: Repository,
) -> None:
    """Attach both to the pushed `image`, read them back, and verify the signature.

    Doing it again changes nothing in the registry.

    Raises:
        RunError: PUSH_UNAUTHORIZED, REGISTRY_UNREACHABLE or PUSH_FAILED.
    """
    for referrer in _referrers(image, provenance, signer):
        repository.put_referrer(referrer)
    key = signer.public_key
    try:
        bundles = read_attached(repository, image.digest, BUNDLE_TYPE)
        require_signature(image.digest, bundles, [key], "the signing secret")
    except (ImageInvalid, SignatureRefused) as error:
        raise RunError(
            Reason.PUSH_FAILED,
            f"{reference} was pushed and signed, but read back it {error}; the registry's storage "
            "is damaged, or a proxy alters content: check both",
        ) from error
    logger.info("signed %s with the key %s", image.digest, key.fingerprint)


def _referrers(image: Image, provenance: Provenance, signer: Signer) -> Iterator[Referrer]:
    approval = Statement(digests=(image.digest,), predicate_type=SIGNATURE, predicate={})
    for statement in (approval, provenance.to_statement(image.digest)):
        annotations = {
            "dev.sigstore.bundle.content": "dsse-envelope",
            "dev.sigstore.bundle.predicateType": statement.predicate_type,
            "org.opencontainers.image.created": provenance.finished_at,
        }
        yield Referrer(
            subject=image.manifest,
            artifact_type=BUNDLE_TYPE,
            content=signer.sign(statement).to_bytes(),
            annotations=annotations,
        )
