"""Scans an image's file system: debsbom reads dpkg's database, cyclonedx-py Python's metadata."""

import json
import shlex
import sys
import tempfile
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tools.release.errors import ReleaseError
from tools.release.programs import run
from tools.release.sbom import SPEC_VERSION, Bom, Subject, merge

_BIN = Path(sys.executable).parent


def scan(subject: Subject, root: Path, timestamp: str) -> str:
    """Returns the SBOM of the file system at `root` as JSON.

    Raises:
        ReleaseError: a scanner failed, or what it found is no valid CycloneDX.
    """
    with tempfile.TemporaryDirectory(prefix="kaito-sbom-") as folder:
        debian = _debian(subject, root, timestamp, Path(folder))
        python = _python(root, Path(folder))
    text = json.dumps(merge(subject, timestamp, debian, python), indent=1, sort_keys=True) + "\n"
    validator = JsonStrictValidator(SchemaVersion.from_version(SPEC_VERSION))
    if problem := validator.validate_str(text):
        raise ReleaseError(f"the SBOM of {subject.name} is invalid: {problem.data}")
    return text


def _debian(subject: Subject, root: Path, timestamp: str, folder: Path) -> Bom:
    run(
        [
            *(_BIN / "debsbom", "generate", "--sbom-type", "cdx", "--root", root),
            *("--with-licenses", "--cdx-schema-version", SPEC_VERSION),
            *("--timestamp", timestamp, "--cdx-serialnumber", subject.serial_number),
            *("--out", folder / "debian"),
        ]
    )
    found: Bom = json.loads((folder / "debian.cdx.json").read_text())
    return found


def _python(root: Path, folder: Path) -> Bom:
    # cyclonedx-py asks an interpreter for its path. The image's own cannot run outside of the
    # image, and its path is known.
    (packages,) = root.glob("app/venv/lib/python3*/site-packages")
    interpreter = folder / "python"
    interpreter.write_text(f"#!/bin/sh\necho {shlex.quote(json.dumps([str(packages)]))}\n")
    interpreter.chmod(0o755)
    text = run(
        [
            *(_BIN / "cyclonedx-py", "environment", "--output-reproducible"),
            *("--spec-version", SPEC_VERSION, interpreter),
        ]
    )
    found: Bom = json.loads(text)
    return found
