"""python -m tools.release: builds everything that a release consists of.

Writes the services' images as OCI archives, an SBOM for each, the chart, the CRDs, `kubectl kaito`
as a wheel and as archives for krew, release.json, SLSA provenance and SHA256SUMS. Nothing is
pushed. Images are built as `python -m tools.images` builds them, from the lock files and the
packages in the caches; of `kubectl kaito`, the wheels of each platform are downloaded.
"""

import argparse
import sys
import time
from pathlib import Path

from tools.images.buildah import BuildFailedError
from tools.release.build import Request, build
from tools.release.errors import ReleaseError
from tools.release.provenance import BUILDER
from tools.venvs import ROOT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.release",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "-o", "--output", type=Path, default=ROOT / "dist", help="folder (default: dist)"
    )
    parser.add_argument(
        "--torch",
        choices=("cuda", "cpu"),
        default="cuda",
        help="cpu leaves the GPU's libraries out of tuner and model-server (default: cuda)",
    )
    parser.add_argument(
        "--builder", default=BUILDER, help="URI of the builder in the provenance (%(default)s)"
    )
    parser.add_argument(
        "--repository", default="", help="URL of the repository whose releases krew downloads"
    )
    parser.add_argument(
        "--allow-modified",
        action="store_true",
        help="build although files differ from the commit; for trial builds",
    )
    return parser


def _print(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    arguments = _parser().parse_args()
    start = time.monotonic()
    request = Request(
        root=ROOT,
        output=arguments.output.resolve(),
        torch=arguments.torch,
        builder=arguments.builder,
        repository=arguments.repository.rstrip("/"),
        allow_modified=arguments.allow_modified,
    )
    try:
        files = build(request, _print)
    except (ReleaseError, BuildFailedError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for file in files:
        _print(f"{file.stat().st_size / 2**10:12,.1f} KiB  {file.relative_to(request.output)}")
    _print(f"{len(files)} files in {request.output}, {time.monotonic() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
