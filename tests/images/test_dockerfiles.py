"""The services' Dockerfiles follow the conventions, and copy the code that is imported."""

import re
from pathlib import Path

import pytest

from tests.images.imported import LIBRARIES, ROOT, libraries
from tools import venvs
from tools.images.recipe import copied
from tools.images.recipes import CONTROL, MODELS, recipes

SERVICES = (*CONTROL, *MODELS)
IMAGES = {name: ROOT / recipe.dockerfile for name, recipe in recipes("cpu").items()}


def text(service: str) -> str:
    return (ROOT / "services" / service / "Dockerfile").read_text()


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


@pytest.mark.parametrize("service", SERVICES)
def test_service_starts_as_its_package(service: str) -> None:
    package = service.replace("-", "_")
    entry = f'ENTRYPOINT ["/app/venv/bin/python", "-m", "{package}"]'
    assert entry in final_stage(text(service))


@pytest.mark.parametrize("service", SERVICES)
def test_packages_are_installed_from_the_lock_by_the_pinned_uv(service: str) -> None:
    lock = "models.lock" if service in MODELS else "control.lock"
    assert f"requirements/{lock}" in copied(text(service))
    assert f"services/{service}/requirements.txt" in copied(text(service))
    assert venvs.UV in text(service)
    assert re.search(rf"uv pip install [^&;]*-c \S*{lock}", text(service))


@pytest.mark.parametrize("service", SERVICES)
def test_inputs_of_the_installation_are_copied_before_it(service: str) -> None:
    """buildah keeps a layer when only what is mounted into its instruction has changed."""
    dockerfile = text(service)
    install = dockerfile.index("--mount=type=cache")
    stage = dockerfile[dockerfile.rindex("\nFROM ", 0, install) : install]
    lock, wanted = ("models", MODELS) if service in MODELS else ("control", (service,))
    needed = {f"requirements/{lock}.lock", *(f"services/{n}/requirements.txt" for n in wanted)}
    assert needed <= set(copied(stage))


@pytest.mark.parametrize("service", SERVICES)
def test_copied_code_is_the_imported_code(service: str) -> None:
    package = service.replace("-", "_")
    code = {path for path in copied(text(service)) if path.startswith(("libs/", "services/"))}
    needed = {f"libs/{name}" for name in libraries(ROOT / "services" / service / package)}
    assert needed <= {f"libs/{name}" for name in LIBRARIES}
    assert {path for path in code if path.startswith("libs/")} == needed
    assert f"services/{service}/{package}" in code


@pytest.mark.parametrize("service", SERVICES)
def test_image_does_not_contain_the_official_kubernetes_client(service: str) -> None:
    wanted = (ROOT / "services" / service / "requirements.txt").read_text().split()
    assert not {"kubernetes", "kubernetes-asyncio"} & set(wanted)


def test_tuner_and_model_server_share_their_large_layers() -> None:
    shared = [re.split(r"^# -- .*$", text(service), flags=re.MULTILINE) for service in MODELS]
    assert shared[0][-2] == shared[1][-2]
    assert "torch" in shared[0][-2]
