"""One SBOM an image, from the scanners' two."""

from typing import Any

from tools.release.sbom import Subject, merge

SUBJECT = Subject(name="tuner", version="1.2.3", digest="sha256:" + "a" * 64)
DEBIAN: dict[str, Any] = {
    "metadata": {
        "component": {"bom-ref": "debian", "name": "Debian", "type": "operating-system"},
        "tools": {"components": [{"name": "debsbom"}]},
    },
    "components": [{"bom-ref": "pkg:deb/libc6", "name": "libc6"}],
    "dependencies": [{"ref": "debian", "dependsOn": ["pkg:deb/libc6"]}],
}
PYTHON: dict[str, Any] = {
    "metadata": {"tools": {"components": [{"name": "cyclonedx-py"}]}},
    "components": [{"bom-ref": "torch", "name": "torch"}, {"bom-ref": "numpy", "name": "numpy"}],
    "dependencies": [{"ref": "torch", "dependsOn": ["numpy"]}, {"ref": "numpy"}],
}
MERGED = merge(SUBJECT, "2026-01-01T00:00:00+00:00", DEBIAN, PYTHON)


def test_image_is_the_subject() -> None:
    component = MERGED["metadata"]["component"]
    assert component["purl"] == f"pkg:oci/tuner@sha256%3A{'a' * 64}?tag=1.2.3"
    assert component["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]


def test_system_and_both_kinds_of_packages_are_components() -> None:
    names = {component["name"] for component in MERGED["components"]}
    assert names == {"Debian", "libc6", "torch", "numpy"}
    assert [tool["name"] for tool in MERGED["metadata"]["tools"]["components"]] == [
        "debsbom",
        "cyclonedx-py",
    ]


def test_image_depends_on_the_system_and_on_packages_that_nothing_else_needs() -> None:
    graph = {entry["ref"]: entry.get("dependsOn", []) for entry in MERGED["dependencies"]}
    assert graph[SUBJECT.purl] == ["debian", "torch"]
    assert graph["torch"] == ["numpy"]


def test_serial_number_depends_on_the_image_alone() -> None:
    later = merge(SUBJECT, "2027-01-01T00:00:00+00:00", DEBIAN, PYTHON)
    assert later["serialNumber"] == MERGED["serialNumber"]
