"""AdmissionReviews and the webhook's configuration."""

import base64
from typing import Any

import pytest

from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import inference_workspace, settings
from workspace_controller.plan.problem import Problem
from workspace_controller.webhook.admission import answer, configuration, subject

REVIEW: Manifest = {
    "apiVersion": "admission.k8s.io/v1",
    "kind": "AdmissionReview",
    "request": {"uid": "r-1", "namespace": "team", "object": inference_workspace()},
}
UNKNOWN = Problem(Reason.PRESET_UNKNOWN, "inference.preset.name", "'x' is no preset")


def test_valid_workspace_is_allowed() -> None:
    given = answer(REVIEW, ())
    assert given["response"] == {"uid": "r-1", "allowed": True}
    assert (given["apiVersion"], given["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")


def test_each_problem_has_its_own_line() -> None:
    response = answer(
        REVIEW, (UNKNOWN, Problem(Reason.INSTANCE_TYPE_TOO_SMALL, "resource", "too small"))
    )["response"]
    assert response["allowed"] is False
    assert response["status"]["message"] == (
        "validation failed: inference.preset.name: 'x' is no preset\nresource: too small"
    )


@pytest.mark.parametrize(
    "reason", [Reason.CONFIG_MAP_MISSING, Reason.SECRET_MISSING, Reason.VOLUME_CLAIM_MISSING]
)
def test_what_may_come_later_is_a_warning(reason: Reason) -> None:
    missing = Problem(reason, "tuning.config", "ConfigMap team/c does not exist: create it")
    warning = (
        "tuning.config: ConfigMap team/c does not exist: create it; the Workspace waits for it"
    )
    response = answer(REVIEW, (missing,))["response"]
    assert response == {"uid": "r-1", "allowed": True, "warnings": [warning]}
    denied = answer(REVIEW, (UNKNOWN, missing))["response"]
    assert denied["allowed"] is False
    assert denied["warnings"] == [warning]
    assert "ConfigMap" not in denied["status"]["message"]


def test_new_object_gets_missing_names() -> None:
    bare = {"metadata": {"generateName": "ws-"}}
    found = subject({"request": {"uid": "r", "namespace": "team", "object": bare}})
    assert found["metadata"] == {
        "uid": "", "name": "", "namespace": "team", "generateName": "ws-",
    }  # fmt: skip


@pytest.mark.parametrize("review", [{}, {"request": None}, {"request": {"object": {}}}])
def test_malformed_review_is_rejected(review: Any) -> None:
    with pytest.raises(ValueError, match="no object"):
        subject(review)


def test_webhook_cannot_block_deletion_or_status() -> None:
    made = configuration(settings(webhook_service="kaito-wc"), b"CA")
    resources: list[str] = []
    for webhook in made["webhooks"]:
        assert webhook["failurePolicy"] == "Ignore"
        assert webhook["sideEffects"] == "None"
        (rule,) = webhook["rules"]
        resources += rule["resources"]
        assert rule["operations"] == ["CREATE", "UPDATE"]
        assert any("deletionTimestamp" in c["expression"] for c in webhook["matchConditions"])
        client = webhook["clientConfig"]
        assert base64.b64decode(client["caBundle"]) == b"CA"
        assert client["service"]["name"] == made["metadata"]["name"] == "kaito-wc"
    assert resources == ["workspaces", "inferencesets"]
