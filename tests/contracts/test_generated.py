"""Generated files in the repository are up to date."""

from pathlib import Path

import pytest

from tools import crdgen, protogen, training_configs
from tools.chartgen.files import files as schemas

GEN = protogen.SOURCE / "gen"


def test_stubs_are_up_to_date(tmp_path: Path) -> None:
    protogen.generate(tmp_path)
    fresh = {p.relative_to(tmp_path): p.read_text() for p in tmp_path.rglob("*.py*")}
    committed = {
        p.relative_to(GEN): p.read_text()
        for package in protogen.PACKAGES
        for p in (GEN / package).rglob("*.py*")
        if p.is_file() and "__pycache__" not in p.parts
    }
    assert fresh == committed, "run `make protogen`"


@pytest.mark.parametrize("path", crdgen.files(), ids=lambda path: path.stem)
def test_crds_are_up_to_date(path: Path) -> None:
    assert path.read_text() == crdgen.files()[path], "run `make crds`"


@pytest.mark.parametrize("path", training_configs.files(), ids=lambda path: path.stem)
def test_training_configs_are_fresh(path: Path) -> None:
    assert path.read_text() == training_configs.files()[path], "run `make training-configs`"


def test_the_chart_holds_no_other_training_config() -> None:
    assert set(training_configs.TARGET.iterdir()) == set(training_configs.files())


@pytest.mark.parametrize("path", schemas(), ids=lambda path: path.parent.name)
def test_schemas_of_chart_values_are_fresh(path: Path) -> None:
    assert path.read_text() == schemas()[path], "run `make schemas`"
