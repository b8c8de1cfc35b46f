"""The base image: Debian with Python, made from Debian's own packages.

Stands in for the Dockerfiles' default where no public registry can be reached."""

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
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    # Also the name under which the default base image has it.
    '--customize-hook=ln -s python3 "$1/usr/bin/python"',
)
_SUITE = "bookworm"


def reference() -> str:
    """The image's name in the store: it changes when the list of packages does."""
    digest = hashlib.sha256(repr((_OPTIONS, _SUITE)).encode()).hexdigest()[:12]
    return f"localhost/kaito/base:{digest}"


def ensure(builder: Builder) -> bool:
    """Makes the base image when the store lacks it; returns whether it had to.

    Raises BuildFailedError with mmdebstrap's last lines."""
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
