"""python -m tools.kubectl_plugin: builds the wheel of `kubectl kaito`, and one file for krew.

The wheels that the file holds come from the package index, in the versions of control.lock.
"""

import argparse
import sys
import time
from pathlib import Path

from tools.kubectl_plugin.build import Request, build
from tools.kubectl_plugin.platforms import PLATFORMS, this_platform
from tools.release.errors import ReleaseError
from tools.release.source import read_source
from tools.release.version import read_version
from tools.venvs import ROOT


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.kubectl_plugin",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "dist")
    here = this_platform()
    by_name = {each.name: each for each in PLATFORMS}
    parser.add_argument(
        "--platform",
        action="append",
        choices=[*by_name, "all"],
        help="can be repeated (default: this machine's)",
    )
    parser.add_argument(
        "--repository", default="", help="URL of the repository whose releases krew downloads"
    )
    arguments = parser.parse_args()
    chosen = arguments.platform or ([here.name] if here else [])
    start = time.monotonic()
    try:
        request = Request(
            root=ROOT,
            output=arguments.output.resolve(),
            platforms=PLATFORMS if "all" in chosen else [by_name[name] for name in chosen],
            version=read_version(ROOT),
            timestamp=read_source(ROOT, allow_modified=True).committed,
            repository=arguments.repository.rstrip("/"),
            loose=here,
        )
        files = build(request, lambda line: print(line, flush=True))
    except ReleaseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for file in files:
        print(f"{file.stat().st_size / 2**10:12,.1f} KiB  {file}")
    print(f"{len(files)} files, {time.monotonic() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
