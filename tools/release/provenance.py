"""Provenance of a release: an in-toto statement v1 with SLSA's predicate v1. Pure.

The formats: https://in-toto.io/Statement/v1 and https://slsa.dev/spec/v1.0/provenance.
"""

import json
from collections.abc import Mapping
from typing import Any

from tools.release.manifest import Release

FILE = "provenance.intoto.json"
# Names what `make release` does with its parameters; SLSA asks for a URI of our own.
_BUILD_TYPE = "https://kaito.sh/build-types/make-release/v1"
#: The builder, unless the one who runs it says otherwise.
BUILDER = "https://kaito.sh/builders/make-release"


def statement(
    release: Release, files: Mapping[str, str], materials: Mapping[str, str], builder: str
) -> dict[str, Any]:
    """The statement about `files`, which maps a path to its SHA-256 in hex.

    `materials` maps what went into the build, beside the commit, to its SHA-256 in hex. There is
    no time of the build in it: the same commit is to give the same statement.
    """
    images = {f"{image.name}:{release.version}": image.digest for image in release.images}
    subjects = {**files, **{name: _hex(digest) for name, digest in images.items()}}
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": name, "digest": {"sha256": sha256}}
            for name, sha256 in sorted(subjects.items())
        ],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": _BUILD_TYPE,
                "externalParameters": {
                    "version": release.version,
                    "torch": release.torch,
                    "repository": release.repository,
                },
                "internalParameters": {"modified": release.source.modified},
                "resolvedDependencies": [
                    {"name": "source", "digest": {"gitCommit": release.source.commit}},
                    *(
                        {"name": name, "digest": {"sha256": _hex(sha256)}}
                        for name, sha256 in sorted(materials.items())
                    ),
                ],
            },
            "runDetails": {"builder": {"id": builder, "version": dict(release.tools)}},
        },
    }


def render(document: Mapping[str, Any]) -> str:
    """The statement's text."""
    return json.dumps(document, indent=2) + "\n"


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
