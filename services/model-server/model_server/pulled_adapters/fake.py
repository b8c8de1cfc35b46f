"""A puller for tests: images are folders, and can be made to fail."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from model_server.pulled_adapters.pull_errors import PullFailed
from model_server.pulled_adapters.puller import PulledImage
from model_server.pulled_adapters.wanted import WantedAdapter


@dataclass
class FakePuller:
    """Pulls the folders in `images`, and raises what `failures` has for an image.

    Records the entries that it was asked for. The digest of an image is "sha256:" and its name.
    """

    images: dict[str, Path] = field(default_factory=dict)
    failures: dict[str, PullFailed] = field(default_factory=dict)
    signers: dict[str, str] = field(default_factory=dict)
    pulled: list[WantedAdapter] = field(default_factory=list)

    def pull(self, entry: WantedAdapter, target: Path) -> PulledImage:
        self.pulled.append(entry)
        if failure := self.failures.get(entry.image):
            raise failure
        if entry.image not in self.images:
            raise PullFailed(f"{entry.image} does not exist", retryable=True)
        shutil.copytree(self.images[entry.image], target, dirs_exist_ok=True)
        return PulledImage(f"{entry.image}@sha256:fake", self.signers.get(entry.image, ""))
