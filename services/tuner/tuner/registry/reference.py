"""An image reference and its parts. Pure."""

import re
from dataclasses import dataclass

from tuner.errors import RunError
from tuner.reasons import Reason

# Close to the grammar of github.com/distribution/reference; the registry has the last word.
HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?|\[[0-9a-fA-F:]+\](:[0-9]+)?")
REPOSITORY = re.compile(r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
HUB = "docker.io"
HUB_HOST = "registry-1.docker.io"


@dataclass(frozen=True, slots=True)
class Reference:
    """The reference "<registry>/<repository>:<tag>". `registry` is a host with an optional port."""

    registry: str
    repository: str
    tag: str

    @property
    def host(self) -> str:
        """The host of the registry's API."""
        return HUB_HOST if self.registry == HUB else self.registry

    def __str__(self) -> str:
        return f"{self.registry}/{self.repository}:{self.tag}"


def parse_reference(text: str) -> Reference:
    """Parse `text`. Without a registry it means Docker Hub, without a tag `latest`.

    Raises:
        RunError: PUSH_FAILED, `text` is not a reference, or names a digest, which nothing can be
            pushed to.
    """
    first, slash, rest = text.partition("/")
    # As Docker decides it: "team/a" is on Docker Hub, "localhost/a" and "host.io/a" are not.
    has_registry = bool(slash) and ("." in first or ":" in first or first == "localhost")
    registry, path = (first, rest) if has_registry else (HUB, text)
    repository, _, tag = path.partition(":")
    if registry == HUB and "/" not in repository:
        repository = f"library/{repository}"
    reference = Reference(registry, repository, tag or "latest")
    valid = HOST.fullmatch(registry) and REPOSITORY.fullmatch(repository)
    if not valid or not TAG.fullmatch(reference.tag) or path.endswith(":"):
        raise RunError(
            Reason.PUSH_FAILED,
            f"tuning.output.image is {text!r}, which is not an image reference; use "
            "<registry>/<repository>:<tag> in lower case, for example registry.example/team/a:1",
            retryable=False,
        )
    return reference
