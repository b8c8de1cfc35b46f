"""A template that holds anything ends in a problem with its field, or in a workload."""

from typing import Any

import pytest

from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import inference_workspace
from tests.workspace_controller.plan.serving.test_own_engine import SGLANG, WEB, applied, seen
from workspace_controller.plan.decide import decide
from workspace_controller.plan.validation import problems

UNNAMED = {key: value for key, value in SGLANG.items() if key != "name"}


def of(template: Any) -> Manifest:
    return inference_workspace(inference={"template": template})


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ({"spec": 5}, "spec: 5 is not an object"),
        ({"metadata": [], "spec": {"containers": [WEB]}}, "metadata: [] is not an object"),
        ({"metadata": {"labels": 5}}, "metadata.labels: 5 is not an object"),
        ({"spec": {"containers": WEB}}, "spec.containers: {'name': 'web', 'image'"),
        ({"spec": {"containers": [WEB], "affinity": 5}}, "spec.affinity: 5 is not an object"),
        ({"spec": {"containers": [WEB], "tolerations": 5}}, "spec.tolerations: 5 is not a list"),
        ({"spec": {"containers": [SGLANG], "volumes": "v"}}, "spec.volumes: 'v' is not a list"),
        (
            {"spec": {"containers": [SGLANG], "initContainers": 5}},
            "spec.initContainers: 5 is not a list",
        ),
        (
            {"spec": {"containers": [{**SGLANG, "volumeMounts": 5}]}},
            "spec.containers[0].volumeMounts: 5 is not a list",
        ),
        ({"spec": {"containers": [UNNAMED]}}, "spec.containers[0].name: None is no name"),
        (
            {"spec": {"containers": [WEB, {**SGLANG, "name": 5}]}},
            "spec.containers[1].name: 5 is no name: give the container one",
        ),
    ],
)
def test_another_form_is_a_problem_that_names_the_field(template: Any, problem: str) -> None:
    observed = seen(of(template))
    (found,) = problems(observed)
    assert str(found).startswith(f"inference.template.{problem}")
    conditions = (decide(observed).status or {})["conditions"]
    assert any(found.message in condition["message"] for condition in conditions)


@pytest.mark.parametrize(
    "template",
    [
        {"metadata": None, "spec": {"containers": [WEB]}},
        {"metadata": {"labels": None}, "spec": {"containers": [SGLANG], "volumes": None}},
        {"spec": None},
        {},
    ],
)
def test_null_is_the_same_as_missing(template: Any) -> None:
    observed = seen(of(template))
    assert not problems(observed)
    assert applied(observed)["spec"]["template"]["spec"]["affinity"]
