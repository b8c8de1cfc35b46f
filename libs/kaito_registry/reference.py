"""An image reference and its parts. Pure."""

import re
from dataclasses import dataclass, replace

# Close to the grammar of github.com/distribution/reference; the registry has the last word.
HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?|\[[0-9a-fA-F:]+\](:[0-9]+)?")
REPOSITORY = re.compile(r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
HUB = "docker.io"
HUB_HOST = "registry-1.docker.io"


@dataclass(frozen=True, slots=True)
class Reference:
    """The reference "<registry>/<repository>:<tag>", or "<registry>/<repository>@<digest>".

    `registry` is a host with an optional port. A digest takes precedence over the tag.
    """

    registry: str
    repository: str
    tag: str
    digest: str = ""

    @property
    def host(self) -> str:
        """The host of the registry's API."""
        return HUB_HOST if self.registry == HUB else self.registry

    @property
    def target(self) -> str:
        """What names the manifest inside the repository."""
        return self.digest or self.tag

    def at(self, digest: str) -> "Reference":
        """The same repository's image of that digest."""
        return replace(self, digest=digest)

    def __str__(self) -> str:
        end = f"@{self.digest}" if self.digest else f":{self.tag}"
        return f"{self.registry}/{self.repository}{end}"


def parse_reference(text: str) -> Reference:
    """Parse `text`. Without a registry it means Docker Hub, without a tag `latest`.

    Raises:
        ValueError: `text` is not a reference.
    """
    name, at, digest = text.partition("@")
    first, slash, rest = name.partition("/")
    # As Docker decides it: "team/a" is on Docker Hub, "localhost/a" and "host.io/a" are not.
    has_registry = bool(slash) and ("." in first or ":" in first or first == "localhost")
    registry, path = (first, rest) if has_registry else (HUB, name)
    repository, _, tag = path.partition(":")
    if registry == HUB and "/" not in repository:
        repository = f"library/{repository}"
    reference = Reference(registry, repository, tag or "latest", digest)
    has_place = HOST.fullmatch(registry) and REPOSITORY.fullmatch(repository)
    has_tag = TAG.fullmatch(reference.tag) and not path.endswith(":")
    if not has_place or not has_tag or (at and not DIGEST.fullmatch(digest)):
        raise ValueError(f"{text!r} is not an image reference")
    return reference
