"""Whether a node keeps the model of a pod, and where."""

from dataclasses import replace
from typing import Any

import pytest

from kaito_presets import catalog
from workspace_controller.manifests.pods import NodeFolder
from workspace_controller.model_cache import EVICTED, PARTIAL
from workspace_controller.plan.model_cache import ENFORCE, labels_that_matter, node_folder

ROOT, COMMIT = "/var/lib/kaito/models", "7ae557604adf67be50417f59c2c2f167def9a775"
PRESET = catalog.load().find("phi-4")
assert PRESET is not None


def decided(**changes: Any) -> NodeFolder | str:
    given: dict[str, Any] = {
        "root": ROOT,
        "namespace": "team-a",
        "namespace_labels": {},
        "preset": PRESET,
        "revision": COMMIT,
    }
    return node_folder(**{**given, **changes})


def test_a_folder_names_its_namespace_its_model_and_the_commit() -> None:
    found = decided()
    assert isinstance(found, NodeFolder)
    assert found.root == ROOT
    assert found.path.startswith(f"team-a/microsoft--phi-4--{COMMIT[:16]}--")
    assert found.path.count("/") == 1


def test_the_folder_of_the_longest_name_can_be_created_and_removed() -> None:
    assert PRESET is not None
    longest = decided(preset=replace(PRESET, hf_id=f"{'o' * 96}/{'m' * 96}"))
    assert isinstance(longest, NodeFolder)
    assert len(f"{longest.path.split('/')[1]}{PARTIAL}{EVICTED}") <= 255


def test_another_namespace_another_commit_and_another_format_have_folders_of_their_own() -> None:
    folders = [decided(), decided(namespace="team-b"), decided(revision="b" * 40)]
    assert PRESET is not None
    mistral = replace(PRESET, vllm=replace(PRESET.vllm, mistral_format=True))
    folders.append(decided(preset=mistral))
    assert len({found.path for found in folders if isinstance(found, NodeFolder)}) == 4


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"root": ""}, ""),
        ({"revision": "main"}, "the model has no fixed commit"),
        ({"revision": ""}, "the model has no fixed commit"),
        (
            {"namespace_labels": {ENFORCE: "restricted"}},
            "namespace team-a enforces the Pod Security level restricted, which refuses volumes of "
            "the node",
        ),
        (
            {"namespace_labels": {ENFORCE: "baseline"}},
            "namespace team-a enforces the Pod Security level baseline, which refuses volumes of "
            "the node",
        ),
    ],
    ids=["switched off", "branch", "no revision", "restricted", "baseline"],
)
def test_a_pod_that_keeps_its_model_to_itself_says_why(changes: dict[str, Any], why: str) -> None:
    assert decided(**changes) == why


def test_a_namespace_that_allows_everything_uses_the_node() -> None:
    assert isinstance(decided(namespace_labels={ENFORCE: "privileged"}), NodeFolder)


@pytest.mark.parametrize("namespace", [None, {"metadata": {}}, {"metadata": {"labels": None}}])
def test_a_namespace_without_labels_enforces_nothing(namespace: Any) -> None:
    assert labels_that_matter(namespace) == {}
