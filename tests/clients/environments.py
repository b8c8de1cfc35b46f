"""Where the clients live: a virtual environment, an npm folder and Go programs, each in the cache
under a digest of its pins."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tools import venvs
from tools.local_cluster.programs import go_modules, go_toolchain
from tools.venvs import CACHE, ROOT

HERE = Path(__file__).parent
PROTO = "kaito/inference/v1/inference.proto"
_GO_PROGRAMS = (
    "google.golang.org/protobuf/cmd/protoc-gen-go",
    "google.golang.org/grpc/cmd/protoc-gen-go-grpc",
    "github.com/fullstorydev/grpcurl/cmd/grpcurl",
)


def python() -> Path:
    """The interpreter of the clients in Python."""
    return venvs.make("clients") / "bin" / "python"


def models_python() -> Path:
    """The interpreter that runs the model-server."""
    return venvs.make("models") / "bin" / "python"


def node_folder() -> Path:
    """A folder with the npm packages and the scripts that use them."""
    return _cached("npm", HERE / "node", ["package.json", "package-lock.json"], _install_npm)


def go_folder() -> Path:
    """A folder with bin/client, built from the contract, and bin/grpcurl."""
    names = [path.name for path in (HERE / "go").iterdir()]
    return _cached("go", HERE / "go", names, _build_go, ROOT / "proto" / PROTO)


def _cached(
    kind: str, source: Path, names: list[str], install: Callable[[Path], None], *more: Path
) -> Path:
    digest = hashlib.sha256()
    for path in (*(source / name for name in sorted(names)), *more):
        digest.update(path.read_bytes())
    folder = CACHE / "clients" / f"{kind}-{digest.hexdigest()[:12]}"
    if not (folder / ".complete").exists():
        print(f"installing the {kind} clients ...", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in names:
            shutil.copy(source / name, folder / name)
        install(folder)
        (folder / ".complete").touch()
    return folder


def _install_npm(folder: Path) -> None:
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(command, cwd=folder, check=True)


def _build_go(folder: Path) -> None:
    go = str(go_toolchain.find(go_modules.ROOT, CACHE))
    environment = {**os.environ, "GOBIN": str(folder / "bin"), "GOTOOLCHAIN": "local"}
    subprocess.run([go, "install", *_GO_PROGRAMS], cwd=folder, env=environment, check=True)
    mapping = f"M{PROTO}=clients/inference"
    arguments = [f"-I{ROOT / 'proto'}"]
    for plugin in ("go", "go-grpc"):
        arguments.append(f"--plugin=protoc-gen-{plugin}={folder / 'bin' / f'protoc-gen-{plugin}'}")
        arguments += [f"--{plugin}_out={folder}", f"--{plugin}_opt=module=clients,{mapping}"]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *arguments, PROTO], check=True)
    subprocess.run([go, "build", "-o", "bin/client", "."], cwd=folder, env=environment, check=True)
