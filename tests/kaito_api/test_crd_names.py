"""What users type: `kubectl get workspace NAME` means one kind.

kubectl takes a name for a category first, and of a category with several kinds it takes no names of
objects: "you must specify only one resource".
"""

from kaito_api.crd import inference_set, karpenter, workspace
from kaito_api.crd.definition import Definition

DEFINITIONS = (
    workspace.definition(),
    inference_set.definition(),
    karpenter.machine(),
    karpenter.node_claim(),
)


def _typed(definition: Definition) -> set[str]:
    names = definition.manifest()["spec"]["names"]
    return {names["plural"], names["singular"], *names.get("shortNames", ())}


def test_a_category_with_the_name_of_a_kind_holds_that_kind_alone() -> None:
    for definition in DEFINITIONS:
        others = [other for other in DEFINITIONS if other is not definition]
        assert not _typed(definition) & {c for other in others for c in other.categories}


def test_no_two_kinds_have_a_name_in_common() -> None:
    names = [name for definition in DEFINITIONS for name in _typed(definition)]
    assert len(names) == len(set(names))
