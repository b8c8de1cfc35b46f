"""Checks, before anything is trained, that the adapter can be pushed."""

import logging

from kaito_registry.reference import Reference
from tuner.registry.image import WORKSPACE_ANNOTATION
from tuner.registry.repository import Repository
from tuner.registry.tag_owner import require_own_tag

logger = logging.getLogger(__name__)


def check_push(
    reference: Reference, workspace: str, repository: Repository, *, overwrite: bool = False
) -> None:
    """Check that the registry takes uploads, and that the tag may be moved to the adapter.

    It leaves nothing in the registry. What only the push can show remains: quotas, and tags that
    must not change.

    Raises:
        RunError: PUSH_UNAUTHORIZED, REGISTRY_UNREACHABLE or PUSH_FAILED.
    """
    existing = repository.read_manifest(reference.tag)
    if not overwrite:
        require_own_tag(reference, existing, {WORKSPACE_ANNOTATION: workspace})
    repository.start_upload()
    logger.info("%s can be pushed", reference)
