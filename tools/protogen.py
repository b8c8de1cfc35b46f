"""Generates the gRPC stubs: `python -m tools.protogen` writes proto/gen from proto.

The stubs are committed; a test in tests/contracts regenerates and compares them.
"""

import argparse
import shutil
import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "proto"
# Our contracts, and those of Envoy and KEDA, which have their own rules of style and releases.
PACKAGES = ("envoy", "externalscaler", "kaito")


def generate(target: Path) -> None:
    """Write `_pb2.py`, `_pb2.pyi` and `_pb2_grpc.py` of every proto file to `target`."""
    for package in PACKAGES:
        shutil.rmtree(target / package, ignore_errors=True)
    target.mkdir(parents=True, exist_ok=True)
    protos = sorted(str(path) for each in PACKAGES for path in (SOURCE / each).rglob("*.proto"))
    outputs = [f"--{kind}_out={target}" for kind in ("python", "pyi", "grpc_python")]
    includes = [f"-I{SOURCE}", f"-I{files('grpc_tools') / '_proto'}"]
    if protoc.main(["protoc", *includes, *outputs, *protos]):
        sys.exit("protoc failed: see its message above")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.protogen", description=__doc__)
    parser.add_argument("--target", type=Path, default=SOURCE / "gen")
    generate(parser.parse_args().target)


if __name__ == "__main__":
    main()
