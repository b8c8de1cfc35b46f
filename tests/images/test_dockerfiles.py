"""The services' Dockerfiles follow the conventions, and copy the code that is imported."""

import re
from pathlib import Path

import pytest

from tests.images.imported import LIBRARIES, ROOT, libraries
from tools import venvs
from tools.images.recipe import copied
from tools.images.recipes import CONTROL, MODELS, RELEASED, SLIM, recipes

IMAGES = {name: ROOT / recipe.dockerfile for name, recipe in recipes("cpu").items()}


def text(image: str) -> str:
    return IMAGES[image].read_text()


def service_of(image: str) -> str:
    return "model-server" if image == SLIM else image


def requirements(image: str) -> str:
    name = "slim-requirements.txt" if image == SLIM else "requirements.txt"
    return f"services/{service_of(image)}/{name}"


def final_stage(dockerfile: str) -> str:
    return dockerfile[dockerfile.rindex("\nFROM ") :]


@pytest.mark.parametrize("file", IMAGES.values(), ids=IMAGES)
def test_image_has_a_replaceable_base_and_runs_without_root(file: Path) -> None:
    dockerfile = file.read_text()
    assert "ARG BASE_IMAGE=docker.io/library/python:3.11-slim-bookworm" in dockerfile
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", dockerfile, re.MULTILINE)
    named = {name for _, name in stages}
    assert {source for source, _ in stages} - named == {"${BASE_IMAGE}"}
    assert re.findall(r"^USER (.+)$", final_stage(dockerfile), re.MULTILINE) == ["65532:65532"]
    assert "org.opencontainers.image.title" in final_stage(dockerfile)


@pytest.mark.parametrize("image", RELEASED)
def test_service_starts_as_its_package(image: str) -> None:
    package = service_of(image).replace("-", "_")
    entry = f'ENTRYPOINT ["/app/venv/bin/python", "-m", "kaito_process.start", "{package}"]'
    assert entry in final_stage(text(image))


@pytest.mark.parametrize("image", RELEASED)
def test_packages_are_installed_from_the_lock_by_the_pinned_uv(image: str) -> None:
    lock = "control.lock" if image in CONTROL else "models.lock"
    assert f"requirements/{lock}" in copied(text(image))
    assert requirements(image) in copied(text(image))
    assert venvs.UV in text(image)
    assert re.search(rf"uv pip install [^&;]*-c \S*{lock}", text(image))


@pytest.mark.parametrize("image", RELEASED)
def test_inputs_of_the_installation_are_copied_before_it(image: str) -> None:
    """buildah keeps a layer when only what is mounted into its instruction has changed."""
    dockerfile = text(image)
    install = dockerfile.index("--mount=type=cache")
    stage = dockerfile[dockerfile.rindex("\nFROM ", 0, install) : install]
    lock = "control" if image in CONTROL else "models"
    wanted = MODELS if image in MODELS else (image,)
    needed = {f"requirements/{lock}.lock", *map(requirements, wanted)}
    assert needed <= set(copied(stage))


@pytest.mark.parametrize("image", RELEASED)
def test_copied_code_is_the_imported_code(image: str) -> None:
    service = service_of(image)
    package = service.replace("-", "_")
    code = {path for path in copied(text(image)) if path.startswith(("libs/", "services/"))}
    needed = {f"libs/{name}" for name in libraries(ROOT / "services" / service / package)}
    assert needed <= {f"libs/{name}" for name in LIBRARIES}
    assert {path for path in code if path.startswith("libs/")} == needed
    assert f"services/{service}/{package}" in code


@pytest.mark.parametrize("image", RELEASED)
def test_image_does_not_contain_the_official_kubernetes_client(image: str) -> None:
    wanted = (ROOT / requirements(image)).read_text().split()
    assert not {"kubernetes", "kubernetes-asyncio"} & set(wanted)


def test_slim_image_leaves_out_what_only_the_transformers_engine_imports() -> None:
    slim, whole = (
        {line for line in (ROOT / requirements(image)).read_text().splitlines() if line[0] != "#"}
        for image in (SLIM, "model-server")
    )
    assert whole - slim == {"accelerate", "torch", "transformers"} and not slim - whole


def test_tuner_and_model_server_share_their_large_layers() -> None:
    shared = [re.split(r"^# -- .*$", text(service), flags=re.MULTILINE) for service in MODELS]
    assert shared[0][-2] == shared[1][-2]
    assert "torch" in shared[0][-2]
