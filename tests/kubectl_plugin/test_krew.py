import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kubectl_plugin.krew_rules import problems
from tools.kubectl_plugin import krew
from tools.kubectl_plugin.platforms import PLATFORMS, Platform
from tools.release import checksums

LINUX = Platform("linux", "amd64")
URL = "https://example.com/team/kaito"


def manifest() -> Any:
    digests = {target: f"{number:064x}" for number, target in enumerate(PLATFORMS)}
    return yaml.safe_load(krew.manifest("1.2.3", URL, digests))


def archive(folder: Path, timestamp: int = 7) -> Path:
    program, license_file = folder / "program", folder / "LICENSE"
    program.write_bytes(b"#!/bin/sh\n")
    license_file.write_text("Apache License")
    return krew.pack(program, license_file, folder / krew.archive_name(LINUX), timestamp)


def test_the_manifest_keeps_krews_rules() -> None:
    assert problems(manifest(), krew.MANIFEST) == []


@pytest.mark.parametrize(
    ("problem", "spoil"),
    [
        ("apiVersion", lambda m: m.update(apiVersion="v1")),
        ("metadata.name", lambda m: m["metadata"].update(name="kubectl kaito")),
        ("spec.version", lambda m: m["spec"].update(version="1.2.3")),
        ("spec.shortDescription", lambda m: m["spec"].update(shortDescription="a\nb")),
        ("spec.platforms", lambda m: m["spec"].update(platforms=[])),
        ("sha256", lambda m: m["spec"]["platforms"][0].update(sha256="ABC")),
        ("uri", lambda m: m["spec"]["platforms"][0].update(uri="http://example.com/a.tar.gz")),
        ("selector", lambda m: m["spec"]["platforms"][0]["selector"]["matchLabels"].update(os="x")),
        (
            "selector: two platforms match",
            lambda m: m["spec"]["platforms"].append(m["spec"]["platforms"][0]),
        ),
        ("files", lambda m: m["spec"]["platforms"][0].update(files=[])),
    ],
)
def test_the_rules_find_what_krew_would_refuse(problem: str, spoil: Callable[[Any], None]) -> None:
    spoiled = manifest()
    spoil(spoiled)
    assert problems(spoiled, krew.MANIFEST) == [problem]


def test_the_manifest_names_each_archive_where_the_release_has_it() -> None:
    platforms = manifest()["spec"]["platforms"]
    assert [each["uri"] for each in platforms] == [
        f"{URL}/releases/download/v1.2.3/kubectl-kaito-{name}.tar.gz"
        for name in ("linux-amd64", "linux-arm64", "darwin-arm64")
    ]
    assert [int(each["sha256"], 16) for each in platforms] == [0, 1, 2]


def test_an_archive_holds_what_the_manifest_takes_from_it(tmp_path: Path) -> None:
    with tarfile.open(archive(tmp_path)) as packed:
        members = {member.name: member for member in packed.getmembers()}
    platform = manifest()["spec"]["platforms"][0]
    assert [*members] == [each["from"] for each in platform["files"]]
    assert members[platform["bin"]].mode == 0o755
    assert members["LICENSE"].mode == 0o644


def test_the_same_program_gives_the_same_archive(tmp_path: Path) -> None:
    first = checksums.digest(archive(tmp_path))
    assert checksums.digest(archive(tmp_path)) == first
    assert checksums.digest(archive(tmp_path, timestamp=8)) != first
