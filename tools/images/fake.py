"""A builder that only records its calls, for tests."""

from dataclasses import dataclass, field
from pathlib import Path

from tools.images.buildah import Build
from tools.images.registry import MANIFEST, Registry


@dataclass(slots=True)
class FakeBuilder:
    """A store of image names; `built` and `pushed` are in order. It pushes empty manifests."""

    stored: set[str] = field(default_factory=set)
    built: list[str] = field(default_factory=list)
    pushed: list[str] = field(default_factory=list)

    def has(self, reference: str) -> bool:
        return reference in self.stored

    def build(self, build: Build) -> None:
        self.built.append(build.reference)
        self.stored.add(build.reference)

    def import_base(self, archive: Path, reference: str) -> None:
        self.build(
            Build(
                dockerfile=archive, context=archive, reference=reference, arguments={}, contexts={}
            )
        )

    def push(self, reference: str, target: str, *, plain_http: bool) -> None:
        self.pushed.append(target)
        address, _, rest = target.partition("/")
        repository, _, tag = rest.rpartition(":")
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "layers": []}
        Registry(address, plain_http=plain_http).put_manifest(repository, tag, manifest)
