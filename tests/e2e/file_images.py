"""Images that hold files: models' adapters, and packages that pods mount."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from tools import venvs
from tools.demo.cluster import PUSH_REGISTRY, REGISTRY
from tools.demo.manifests import Manifest
from tools.images.registry import Registry
from tools.preset_models import oci, store
from tools.venvs import ROOT

BASE_MODEL = "phi-3-mini-128k-instruct"
MODEL_IMAGE = f"{REGISTRY}/kaito-{BASE_MODEL}:0.0.1"
_MODEL_PATH = "workspace/tfs/weights"


def push_files(repository: str, folder: Path, root: str) -> str:
    """Push the files of a folder, below `root`, and return `repository@digest`."""
    image = oci.image(oci.tar(folder, root), {})
    tag = oci.digest(image.layer).removeprefix("sha256:")[:12]
    return f"{repository}@{oci.push(Registry(REGISTRY), repository, tag, image)}"


def make_adapters(folder: Path, *names: str) -> None:
    """Write adapters of the small model into folders of their names."""
    python = venvs.make("models") / "bin" / "python"
    arguments = (str(store.model_folder()), BASE_MODEL, *(str(folder / name) for name in names))
    command = (str(python), "-m", "tests.e2e.make_adapters", *arguments)
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)


def push_adapter(folder: Path) -> str:
    """The image of an adapter under its folder's name, in the registry with a login."""
    return f"{PUSH_REGISTRY}/{push_files(f'adapters/{folder.name}', folder, 'data')}"


def mounted(name: str, image: str, path: str, sub_path: str = "") -> tuple[Manifest, Manifest]:
    """The volume of an image's files, and its mount in a container."""
    volume = {"name": name, "image": {"reference": image}}
    mount = {"name": name, "mountPath": path, "readOnly": True}
    return volume, {**mount, **({"subPath": sub_path} if sub_path else {})}


def mounted_model() -> tuple[Manifest, Manifest]:
    """The small model, at the path where model-server looks for a model's files, too."""
    return mounted("weights", MODEL_IMAGE, "/mnt/model", _MODEL_PATH)


def push_modules(repository: str, *paths: str, packages: tuple[str, ...] = ()) -> str:
    """Push modules of this repository, and packages that they need, and return their image."""
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            target = Path(folder) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / path).is_dir():
                shutil.copytree(ROOT / path, target)
            else:
                shutil.copy(ROOT / path, target)
        if packages:
            target_and_pins = ("--target", folder, "-c", "requirements/models.lock")
            venvs.uv("pip install -q -p .venv-models/bin/python", *target_and_pins, *packages)
        return f"{REGISTRY}/{push_files(repository, Path(folder), 'modules')}"
