"""The provenance names what was built, from what, and by whom."""

import json

from tests.release.sample import DIGESTS, RELEASE
from tools.release import provenance

FILES = {"kaito-1.2.3.tgz": "d" * 64}
MATERIALS = {"requirements/control.lock": "e" * 64, "base image": "sha256:" + "f" * 64}
STATEMENT = provenance.statement(RELEASE, FILES, MATERIALS, "https://ci.test/builder")


def test_subjects_are_files_and_images_by_digest() -> None:
    assert STATEMENT["_type"] == "https://in-toto.io/Statement/v1"
    assert {s["name"]: s["digest"]["sha256"] for s in STATEMENT["subject"]} == {
        "kaito-1.2.3.tgz": "d" * 64,
        "tuner:1.2.3": DIGESTS["tuner"].removeprefix("sha256:"),
        "model-server:1.2.3": DIGESTS["model-server"].removeprefix("sha256:"),
    }


def test_dependencies_are_commit_lock_files_and_base_image() -> None:
    definition = STATEMENT["predicate"]["buildDefinition"]
    assert STATEMENT["predicateType"] == "https://slsa.dev/provenance/v1"
    assert definition["externalParameters"] == {
        "version": "1.2.3",
        "torch": "cpu",
        "repository": "",
    }
    assert definition["resolvedDependencies"] == [
        {"name": "source", "digest": {"gitCommit": "c" * 40}},
        {"name": "base image", "digest": {"sha256": "f" * 64}},
        {"name": "requirements/control.lock", "digest": {"sha256": "e" * 64}},
    ]


def test_builder_is_named_with_the_versions_of_its_tools() -> None:
    builder = STATEMENT["predicate"]["runDetails"]["builder"]
    assert builder == {"id": "https://ci.test/builder", "version": {"buildah": "1.28.2"}}


def test_same_release_gives_the_same_text() -> None:
    again = provenance.statement(
        RELEASE, FILES, dict(reversed(MATERIALS.items())), "https://ci.test/builder"
    )
    assert provenance.render(again) == provenance.render(STATEMENT)
    assert json.loads(provenance.render(STATEMENT)) == STATEMENT
