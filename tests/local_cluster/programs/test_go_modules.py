"""The pinned modules: versions from go.mod, and cache keys that cover every input."""

from dataclasses import replace
from pathlib import Path

import pytest

from tools.local_cluster.host import machine
from tools.local_cluster.programs import go_modules, system_packages

CLUSTER, NODE = go_modules.modules()


def test_version_is_read_from_go_mod() -> None:
    text = "module x\n\nrequire (\n\tk8s.io/kubernetes v1.36.3\n\tother v1.0.0 // indirect\n)\n"
    assert go_modules.required(text, "k8s.io/kubernetes") == "v1.36.3"
    assert go_modules.required(text, "other") == "v1.0.0"
    with pytest.raises(ValueError, match="missing"):
        go_modules.required(text, "missing")


def test_kubernetes_version_is_set_by_linker_flags() -> None:
    assert CLUSTER.versions["k8s.io/component-base/version.gitVersion"] == "v1.36.3"
    assert CLUSTER.versions["k8s.io/client-go/pkg/version.gitMinor"] == "36"


def test_staging_modules_match_the_kubernetes_version() -> None:
    text = (CLUSTER.folder / "go.mod").read_text()
    replaced = [line.split() for line in text.splitlines() if "=> k8s.io/" in line]
    assert len(replaced) > 25
    assert {line[-1] for line in replaced} == {"v0.36.3"}


@pytest.mark.parametrize("module", [CLUSTER, NODE], ids=lambda m: m.name)
def test_go_sum_is_committed(module: go_modules.GoModule) -> None:
    assert (module.folder / "go.sum").stat().st_size > 0


def test_digest_depends_on_flags_and_compiler() -> None:
    digest = go_modules.digest(NODE, "go1")
    assert digest == go_modules.digest(NODE, "go1")
    assert digest != go_modules.digest(NODE, "go2")
    assert digest != go_modules.digest(replace(NODE, versions={}), "go1")


def test_every_required_binary_is_built_or_unpacked() -> None:
    available = {*CLUSTER.programs, *NODE.programs, *system_packages.UNPACKED}
    assert set(machine.BINARIES) <= available


def test_only_source_files_are_committed() -> None:
    for file in Path(go_modules.ROOT).rglob("*"):
        assert file.is_dir() or file.name in ("go.mod", "go.sum", "main.go")
