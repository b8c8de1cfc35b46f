"""The base image: Debian with Python, built from Debian's packages.

It replaces the Dockerfiles' default base image where no public registry can be reached.
"""

import hashlib
import subprocess
import tempfile
from pathlib import Path

from tools.images.buildah import Builder, BuildFailedError, tail

_OPTIONS = (
    "--variant=minbase",
    "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
    "--include=usr-is-merged,python3,python3-venv,ca-certificates,libgomp1",
    '--aptopt=Acquire::Languages "none"',
    # Skips fsync: a build that is interrupted is repeated anyway.
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    # The default base image calls it `python` as well.
    '--customize-hook=ln -s python3 "$1/usr/bin/python"',
)
_SUITE = "bookworm"


def reference() -> str:
    """The image's name in the store, which changes with the list of packages."""
    digest = hashlib.sha256(repr((_OPTIONS, _SUITE)).encode()).hexdigest()[:12]
    return f"localhost/kaito/base:{digest}"


def ensure(builder: Builder) -> bool:
    """Build the base image if the store lacks it, and return whether it was built.

    Raises:
        BuildFailedError: mmdebstrap failed; the message ends with its last lines.
    """
    if builder.has(reference()):
        return False
    with tempfile.TemporaryDirectory(prefix="kaito-base-") as folder:
        archive = Path(folder) / "base.tar"
        result = subprocess.run(
            ["mmdebstrap", *_OPTIONS, _SUITE, str(archive)], capture_output=True, text=True
        )
        if result.returncode:
            raise BuildFailedError(f"mmdebstrap failed:\n{tail(result.stderr)}")
        builder.import_base(archive, reference())
    return True
