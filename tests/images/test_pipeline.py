"""What is built and pushed, depending on what the store and the registry already have."""

from pathlib import Path

import pytest

from tests.images.small_registry import small_registry
from tools.images import base
from tools.images.fake import FakeBuilder
from tools.images.pipeline import ImagePipeline, resolve
from tools.images.recipe import Recipe
from tools.images.registry import Registry


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_text("FROM base\nCOPY code /app\n")
    (tmp_path / "code").write_text("1")
    return tmp_path


def recipe(name: str, tag: str | None = None) -> Recipe:
    return Recipe(name=name, repository=f"kaito/{name}", dockerfile="Dockerfile", tag=tag)


def push(root: Path, builder: FakeBuilder, address: str, *recipes: Recipe) -> list[str]:
    messages: list[str] = []
    pipeline = ImagePipeline(root=root, builder=builder, contexts={}, report=messages.append)
    pipeline.push(resolve(root, list(recipes)), Registry(address), None)
    return messages


def test_first_push_builds_everything_and_second_push_nothing(root: Path) -> None:
    builder = FakeBuilder({base.reference()})
    with small_registry() as content:
        messages = push(root, builder, content.address, recipe("a"), recipe("b"))
        assert [line.split(" ...")[0] for line in messages if "..." in line][:1] == ["a: building"]
        assert len(builder.built) == len(builder.pushed) == 2
        assert push(root, builder, content.address, recipe("a"), recipe("b")) == []
        assert len(builder.built) == 2


def test_push_to_a_new_registry_does_not_rebuild(root: Path) -> None:
    builder = FakeBuilder({base.reference()})
    for _ in range(2):
        with small_registry() as content:
            push(root, builder, content.address, recipe("a"))
    assert len(builder.built) == 1
    assert len(builder.pushed) == 2


def test_changed_code_gets_another_tag(root: Path) -> None:
    builder = FakeBuilder({base.reference()})
    with small_registry() as content:
        push(root, builder, content.address, recipe("a"))
        (root / "code").write_text("2")
        push(root, builder, content.address, recipe("a"))
        assert len(content.manifests) == 2


def test_fixed_tag_is_added_to_the_digest(root: Path) -> None:
    builder = FakeBuilder({base.reference()})
    with small_registry() as content:
        push(root, builder, content.address, recipe("a", tag="latest"))
        assert "/v2/kaito/a/manifests/latest" in content.manifests
        assert len(content.manifests) == 2
