"""An image reference, taken apart. Pure."""

import re
from dataclasses import dataclass

from tuner.errors import RunError
from tuner.reasons import Reason

HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?|\[[0-9a-fA-F:]+\](:[0-9]+)?")
REPOSITORY = re.compile(r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
HUB = "docker.io"
HUB_HOST = "registry-1.docker.io"


@dataclass(frozen=True, slots=True)
class Reference:
    """ "<registry>/<repository>:<tag>"; `registry` is a host with an optional port."""

    registry: str
    repository: str
    tag: str

    @property
    def host(self) -> str:
        """Where the registry's API answers."""
        return HUB_HOST if self.registry == HUB else self.registry

    def __str__(self) -> str:
        return f"{self.registry}/{self.repository}:{self.tag}"


def parse_reference(text: str) -> Reference:
    """The reference that `text` is. No registry means Docker Hub; no tag means latest.

    Errors: RunError(PUSH_FAILED) when it is none, or names a digest, which cannot be pushed to.
    """
    first, slash, rest = text.partition("/")
    named = bool(slash) and ("." in first or ":" in first or first == "localhost")
    registry, path = (first, rest) if named else (HUB, text)
    repository, _, tag = path.partition(":")
    if registry == HUB and "/" not in repository:
        repository = f"library/{repository}"
    reference = Reference(registry, repository, tag or "latest")
    good = HOST.fullmatch(registry) and REPOSITORY.fullmatch(repository)
    if not good or not TAG.fullmatch(reference.tag) or path.endswith(":"):
        raise RunError(
            Reason.PUSH_FAILED,
            f"tuning.output.image is {text!r}, which is no image reference; use "
            "<registry>/<repository>:<tag> in lower case, for example registry.example/team/a:1",
            retryable=False,
        )
    return reference
