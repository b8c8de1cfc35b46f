"""What the webhook says to an InferenceSet: the problems of its Workspaces, at its own fields."""

from typing import Any

import pytest

from kaito_api import labels
from kaito_kube.kinds import NAMESPACE as NAMESPACE_KIND
from kaito_kube.kinds import WORKSPACE, Manifest
from tests.workspace_controller.given import NAMESPACE, inference_workspace
from tests.workspace_controller.harness import Environment
from tests.workspace_controller.inference_sets.given_sets import inference_set, member, template
from workspace_controller.webhook.admission import answer, subject
from workspace_controller.webhook.validator import Validator


async def response(**spec: Any) -> Manifest:
    review: Manifest = {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {"uid": "r-1", "namespace": "team", "object": inference_set(**spec)},
    }
    validator = Validator(Environment().replica.reconciler.observer)
    found: Manifest = answer(review, await validator.check(subject(review)))["response"]
    return found


async def test_a_valid_set_is_admitted() -> None:
    assert await response() == {"uid": "r-1", "allowed": True}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"template": template(preset={"name": "phi-99"})},
            "validation failed: spec.template.inference.preset.name: 'phi-99' is not a preset",
        ),
        (
            {"template": template("Standard_NC6s_v9")},
            "validation failed: spec.template.resource.instanceType: 'Standard_NC6s_v9' is not in "
            "the catalog",
        ),
        (
            {"template": {"inference": template()["inference"]}},
            "validation failed: spec.template.resource.instanceType: missing: name the instance "
            "type to request",
        ),
        (
            {"updateStrategy": {"rollingUpdate": {"maxSurge": "a few"}}},
            "validation failed: spec: updateStrategy.rollingUpdate.maxSurge",
        ),
    ],
    ids=["preset", "instance type", "no instance type", "schema"],
)
async def test_a_problem_names_the_field_of_the_set(spec: Manifest, message: str) -> None:
    found = await response(**spec)
    assert found["allowed"] is False
    assert found["status"]["message"].startswith(message)


@pytest.mark.parametrize(("replicas", "allowed"), [(0, False), (1, True)])
async def test_a_budget_that_its_replicas_use_up_refuses_no_change_of_the_template(
    replicas: int, allowed: bool
) -> None:
    made = Environment()
    limit = {"metadata": {"name": NAMESPACE, "labels": {labels.MAX_PRICE_PER_HOUR: "4"}}}
    made.cluster.seed(NAMESPACE_KIND, limit)
    manifest = inference_set(replicas=1)
    if replicas:
        made.cluster.seed(WORKSPACE, member(manifest, "phi-a"))
    else:
        made.apply(inference_workspace("other"))
    await made.settle()
    changed = inference_set(replicas=1, template=template(config=None))
    found = await Validator(made.replica.reconciler.observer).check(changed)
    assert [str(problem.reason) for problem in found] == ([] if allowed else ["BudgetExceeded"])


async def test_a_limit_of_the_price_that_keeps_nothing_is_refused() -> None:
    manifest = inference_set()
    manifest["metadata"]["annotations"] = {labels.MAX_PRICE_PER_HOUR: "4"}
    validator = Validator(Environment().replica.reconciler.observer)
    (problem,) = await validator.check(manifest)
    assert str(problem) == (
        "metadata.annotations[kaito.sh/max-price-per-hour]: an InferenceSet has no limit of its "
        "own: set spec.template.metadata.annotations[kaito.sh/max-price-per-hour], which counts "
        "for each replica, or the annotation of the Namespace, which counts for all"
    )
