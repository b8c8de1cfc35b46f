"""Reading what the hub's API says about a repository, and names of models."""

from typing import Any

import pytest

from kaito_presets.hub.names import is_hub_name, is_revision
from kaito_presets.hub.repository import RepositoryFile, parse_repository

COMMIT = "7ae557604adf67be50417f59c2c2f167def9a775"
ANSWER: dict[str, Any] = {
    "_id": "66e6f8f1d2b9f9d7b8a2a3c4",
    "id": "Qwen/Qwen2.5-0.5B-Instruct",
    "sha": COMMIT,
    "gated": False,
    "private": False,
    "pipeline_tag": "text-generation",
    "library_name": "transformers",
    "cardData": {"license": "apache-2.0"},
    "siblings": [
        {"rfilename": "config.json", "size": 659, "blobId": "0dbb161213629a23f0fc00ef"},
        {
            "rfilename": "model.safetensors",
            "size": 988097824,
            "blobId": "dfb1a8a9",
            "lfs": {"sha256": "f" * 64, "size": 988097824, "pointerSize": 134},
        },
    ],
}


def test_a_repository_is_read_with_sizes_and_digests() -> None:
    repository = parse_repository("main", ANSWER)
    assert (repository.name, repository.requested, repository.commit) == (
        "Qwen/Qwen2.5-0.5B-Instruct",
        "main",
        COMMIT,
    )
    assert repository.license == "apache-2.0" and repository.task == "text-generation"
    assert repository.files == (
        RepositoryFile("config.json", 659),
        RepositoryFile("model.safetensors", 988097824, "f" * 64),
    )
    assert not repository.gated


@pytest.mark.parametrize("gated", ["auto", "manual", True])
def test_a_repository_is_gated_however_access_is_granted(gated: object) -> None:
    assert parse_repository("main", {**ANSWER, "gated": gated}).gated


def test_a_license_of_its_own_has_its_name() -> None:
    card = {"license": "other", "license_name": "llama3.1"}
    assert parse_repository("main", {**ANSWER, "cardData": card}).license == "llama3.1"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"sha": "main"}, "sha is 'main', not a commit"),
        ({"sha": None}, "sha is None, not a commit"),
        ({"id": 7}, "id is 7, not organization/model"),
        ({"siblings": None}, "siblings is not a list of files"),
        ({"siblings": ["x"]}, "siblings has 'x', which is no file"),
        ({"siblings": [{"rfilename": "a"}]}, "size of a is None, not a number of bytes"),
        ({"siblings": [{"rfilename": "a", "size": -1}]}, "size of a is -1, not a number of bytes"),
        (
            {"siblings": [{"rfilename": "a", "size": 10**400}]},
            f"size of a is 1{'0' * 79}, not a number of bytes",
        ),
    ],
)
def test_an_answer_of_another_kind_is_refused(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_repository("main", {**ANSWER, **change})
    assert str(refused.value) == problem


def test_an_answer_that_is_no_object_is_refused() -> None:
    with pytest.raises(ValueError, match="not a JSON object"):
        parse_repository("main", [])


@pytest.mark.parametrize(
    ("name", "is_name"),
    [
        ("Qwen/Qwen2.5-0.5B-Instruct", True),
        ("meta-llama/Llama-3.1-8B_x", True),
        ("phi-4", False),
        ("a/b/c", False),
        ("/b", False),
        ("a/", False),
        ("a/..", False),
        ("../b", False),
        ("a/b--c", False),
        ("a/b?x=1", False),
        ("a/b c", False),
        ("a/b\n", False),
        ("a/" + "b" * 97, False),
    ],
)
def test_names_of_the_hub(name: str, is_name: bool) -> None:
    assert is_hub_name(name) is is_name


@pytest.mark.parametrize(
    ("text", "is_rev"),
    [("main", True), ("v1.0", True), (COMMIT, True), ("refs/pr/1", True), ("", False),
     ("../x", False), ("a//b", False), ("a?b", False), ("-x", False), ("x" * 129, False)],
)  # fmt: skip
def test_revisions(text: str, is_rev: bool) -> None:
    assert is_revision(text) is is_rev
