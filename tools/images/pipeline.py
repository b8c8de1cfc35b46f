"""Builds and pushes images, but only those that the store or the registry lacks."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.images import base
from tools.images.buildah import Build, Builder
from tools.images.recipe import Recipe, digest
from tools.images.registry import Registry

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedImage:
    """An image with the digest of its inputs."""

    recipe: Recipe
    digest: str

    @property
    def tag(self) -> str:
        """The tag in the registry: the recipe's, or the digest of the inputs."""
        return self.recipe.tag or self.digest

    @property
    def local(self) -> str:
        """The name in the builder's store, always with the digest."""
        return f"localhost/{self.recipe.repository}:{self.digest}"


def resolve(root: Path, recipes: list[Recipe]) -> list[ResolvedImage]:
    """The images with the digests of the current files below `root`."""
    return [
        ResolvedImage(recipe=recipe, digest=digest(root, recipe, base.reference()))
        for recipe in recipes
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePipeline:
    """Builds into a store and pushes to a registry; `contexts` generate additional contexts."""

    root: Path
    builder: Builder
    contexts: Mapping[str, Callable[[], Path]]
    report: Report

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        start = time.monotonic()
        self.report(f"{what} ...")
        yield
        self.report(f"{what}: {time.monotonic() - start:.1f} s")

    def build(self, image: ResolvedImage) -> None:
        """Build the image unless the store has it.

        Raises:
            BuildFailedError: the image or its base image cannot be built.
        """
        if self.builder.has(image.local):
            return
        if not self.builder.has(base.reference()):
            with self._timed("base image: building"):
                base.ensure(self.builder)
        recipe = image.recipe
        with self._timed(f"{recipe.name}: building"):
            self.builder.build(
                Build(
                    dockerfile=self.root / recipe.dockerfile,
                    context=self.root,
                    reference=image.local,
                    arguments={"BASE_IMAGE": base.reference(), **recipe.arguments},
                    contexts={name: self.contexts[name]() for name in recipe.contexts},
                )
            )

    def _push(self, image: ResolvedImage, registry: Registry) -> None:
        repository = image.recipe.repository
        with self._timed(f"{image.recipe.name}: pushing"):
            target = registry.reference(repository, image.digest)
            self.builder.push(image.local, target, plain_http=registry.plain_http)

    def push(self, images: list[ResolvedImage], registry: Registry, tag: str | None) -> None:
        """Push the images that the registry lacks, and add `tag` to all of them if it is set.

        The next image is built while the previous one is being pushed.

        Raises:
            BuildFailedError: an image cannot be built or pushed.
            RegistryError: the registry cannot be reached or rejects a request.
        """
        with ThreadPoolExecutor(max_workers=1) as pushing:
            pending = []
            for image in images:
                if not registry.has(image.recipe.repository, image.digest):
                    self.build(image)
                    pending.append(pushing.submit(self._push, image, registry))
            for push in pending:
                push.result()
        for image in images:
            additional_tag = tag or image.recipe.tag
            if additional_tag:
                registry.tag(image.recipe.repository, image.digest, additional_tag)
