"""What stops a release, with the remedy in the message."""


class ReleaseError(RuntimeError):
    """The release cannot be built or does not hold; the message says what to do."""
