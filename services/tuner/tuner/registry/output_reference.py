"""The reference in tuning.output.image."""

from kaito_registry.reference import Reference, parse_reference
from tuner.errors import RunError
from tuner.reasons import Reason


def output_reference(text: str) -> Reference:
    """Parse what the adapter is pushed to.

    Raises:
        RunError: PUSH_FAILED, `text` is not a reference, or names a digest, which nothing can be
            pushed to.
    """
    try:
        reference = parse_reference(text)
    except ValueError:
        reference = None
    if reference is None or reference.digest:
        raise RunError(
            Reason.PUSH_FAILED,
            f"tuning.output.image is {text!r}, which is not an image reference; use "
            "<registry>/<repository>:<tag> in lower case, for example registry.example/team/a:1",
            retryable=False,
        )
    return reference
