"""Brings images to where they are wanted: builds and pushes only what is not there."""

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

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One image with the tag that its inputs give it."""

    recipe: Recipe
    digest: str

    @property
    def tag(self) -> str:
        """The tag in the registry: the recipe's own, or the digest of the inputs."""
        return self.recipe.tag or self.digest

    @property
    def local(self) -> str:
        """The name in the builder's store, always with the digest."""
        return f"localhost/{self.recipe.repository}:{self.digest}"


def wanted(root: Path, recipes: list[Recipe]) -> list[Wanted]:
    """The images as the files below `root` are now."""
    return [
        Wanted(recipe=recipe, digest=digest(root, recipe, base.reference())) for recipe in recipes
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Where images are built. `contexts` makes the folder of a further context when asked."""

    root: Path
    builder: Builder
    contexts: Mapping[str, Callable[[], Path]]
    say: Say

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        start = time.monotonic()
        self.say(f"{what} ...")
        yield
        self.say(f"{what}: {time.monotonic() - start:.1f} s")

    def build(self, image: Wanted) -> None:
        """Makes sure that the store holds the image."""
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

    def _push(self, image: Wanted, registry: Registry) -> None:
        repository = image.recipe.repository
        with self._timed(f"{image.recipe.name}: pushing"):
            target = registry.reference(repository, image.digest)
            self.builder.push(image.local, target, plain_http=registry.plain_http)

    def push(self, images: list[Wanted], registry: Registry, tag: str | None) -> None:
        """Makes sure that the registry holds the images, under `tag` too when it is given.

        The next image is built while the last is being pushed."""
        with ThreadPoolExecutor(max_workers=1) as pushing:
            pending = []
            for image in images:
                if not registry.has(image.recipe.repository, image.digest):
                    self.build(image)
                    pending.append(pushing.submit(self._push, image, registry))
            for push in pending:
                push.result()
        for image in images:
            further = tag or image.recipe.tag
            if further:
                registry.tag(image.recipe.repository, image.digest, further)
