"""Provenance, written and read."""

import json

import pytest

from kaito_signatures.provenance import DatasetFile, Provenance, read_provenance
from kaito_signatures.statement import SIGNATURE, Statement, parse_statement

DIGEST = f"sha256:{'a' * 64}"
WHOLE = Provenance(
    base_model="phi-3",
    hub_id="microsoft/phi-3",
    method="qlora",
    workspace="team/phi",
    dataset_urls=("https://example.com/rows.jsonl",),
    dataset_digest=f"sha256:{'b' * 64}",
    dataset_files=(DatasetFile(name="rows.jsonl", digest=f"sha256:{'c' * 64}"),),
    config_digest=f"sha256:{'d' * 64}",
    finished_at="2026-11-29T07:00:00+00:00",
    versions={"peft": "1"},
    results={"steps": 3, "loss": 0.25},
)


def test_what_is_written_is_read_back() -> None:
    statement = parse_statement(WHOLE.to_statement(DIGEST).to_bytes())
    assert statement.digests == (DIGEST,)
    assert read_provenance(statement) == WHOLE


def test_it_is_a_provenance_of_slsa() -> None:
    document = json.loads(WHOLE.to_statement(DIGEST).to_bytes())
    assert document["_type"] == "https://in-toto.io/Statement/v1"
    assert document["predicateType"] == "https://slsa.dev/provenance/v1"
    definition = document["predicate"]["buildDefinition"]
    assert definition["buildType"] and definition["externalParameters"]["method"] == "qlora"
    named = {each["name"]: each for each in definition["resolvedDependencies"]}
    assert named["base-model"]["uri"] == "https://huggingface.co/microsoft/phi-3"
    assert named["dataset/rows.jsonl"]["digest"] == {"sha256": "c" * 64}
    assert document["predicate"]["runDetails"]["builder"]["id"] == "https://kaito.sh/tuner"


@pytest.mark.parametrize(
    "statement",
    [
        Statement(digests=(DIGEST,), predicate_type=SIGNATURE, predicate={}),
        Statement(digests=(), predicate_type="https://slsa.dev/provenance/v1", predicate={}),
        Statement(
            digests=(),
            predicate_type="https://slsa.dev/provenance/v1",
            predicate={"buildDefinition": {"buildType": "https://example.com/make"}},
        ),
    ],
)
def test_provenance_of_another_kind_is_left_alone(statement: Statement) -> None:
    assert read_provenance(statement) is None
