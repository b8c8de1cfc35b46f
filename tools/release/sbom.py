"""Joins the SBOMs of an image's Debian and Python packages into one. Pure."""

import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

Bom = dict[str, Any]

SPEC_VERSION = "1.6"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The image that an SBOM is about. `digest` is its manifest's, sha256:..."""

    name: str
    version: str
    digest: str

    @property
    def purl(self) -> str:
        """The image's package URL."""
        return f"pkg:oci/{self.name}@{quote(self.digest, safe='')}?tag={self.version}"

    @property
    def serial_number(self) -> str:
        """A UUID that only depends on the image."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, self.purl))


def merge(subject: Subject, timestamp: str, debian: Bom, python: Bom) -> Bom:
    """One CycloneDX document: the image depends on the system and on its top Python packages."""
    system = debian["metadata"]["component"]
    components = [system, *debian["components"], *python["components"]]
    dependencies = [*debian["dependencies"], *python["dependencies"]]
    roots = [system["bom-ref"], *_roots(python)]
    image = {
        "bom-ref": subject.purl,
        "type": "container",
        "name": subject.name,
        "version": subject.version,
        "purl": subject.purl,
        "hashes": [{"alg": "SHA-256", "content": subject.digest.removeprefix("sha256:")}],
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }
    tools = [tool for bom in (debian, python) for tool in bom["metadata"]["tools"]["components"]]
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPEC_VERSION}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "serialNumber": f"urn:uuid:{subject.serial_number}",
        "version": 1,
        "metadata": {"timestamp": timestamp, "tools": {"components": tools}, "component": image},
        "components": sorted(components, key=lambda component: str(component["bom-ref"])),
        "dependencies": sorted(
            [{"ref": subject.purl, "dependsOn": sorted(roots)}, *dependencies],
            key=lambda dependency: str(dependency["ref"]),
        ),
    }


def _roots(bom: Bom) -> list[str]:
    """The components that no other component depends on."""
    needed = {ref for entry in bom["dependencies"] for ref in entry.get("dependsOn", ())}
    refs = [str(component["bom-ref"]) for component in bom["components"]]
    return [ref for ref in refs if ref not in needed]
