"""What users read when an Azure Policy, a missing role or a lock forbids the agent pool."""

import json
from pathlib import Path

import pytest

from gpu_provisioner.cloud.azure.errors import failure
from gpu_provisioner.cloud.errors import CloudError
from kaito_api.reasons import Reason
from tests.gpu_provisioner.emulation import SPEC, emulation

# Long enough that what matters is beyond the length at which other messages are cut.
WORDS = "Pools with GPUs need the tag costcenter. " * 20 + "Ask gpu-board@example.com."
POLICY = {
    "error": {
        "code": "RequestDisallowedByPolicy",
        "target": "ws1",
        "message": f"Resource 'ws1' was disallowed by policy. Reasons: '{WORDS}'. "
        "See error details for policy resource IDs.",
        "additionalInfo": [
            {
                "type": "PolicyViolation",
                "info": {
                    "evaluationDetails": {"evaluatedExpressions": [{"path": "tags"}]},
                    "policyDefinitionName": "0123",
                    "policyAssignmentName": "4567",
                    "policyAssignmentDisplayName": "Deny-GPU-quota",
                },
            }
        ],
    }
}
IDENTIFIERS = (
    "Resource 'ws1' was disallowed by policy. Policy identifiers: '[{\"policyAssignment\":"
    '{"name":"Deny-GPU-quota","id":"/subscriptions/s/policyAssignments/4567"}}]\'.'
)


async def refused(folder: Path, body: object) -> CloudError:
    async with emulation(folder) as emulated:
        emulated.set_fault(kind="refused", status=403, body=json.dumps(body))
        with pytest.raises(CloudError) as caught:
            await emulated.cloud.create(SPEC)
    return caught.value


async def test_policy_is_named_and_its_words_are_whole(tmp_path: Path) -> None:
    error = await refused(tmp_path, POLICY)
    assert error.reason == Reason.POLICY_DENIED
    assert WORDS in error.message
    assert '"Deny-GPU-quota"' in error.message
    assert error.message.endswith(Reason.POLICY_DENIED.remedy)
    assert "agentPoolTags" in error.message


@pytest.mark.parametrize("flat", [True, False])
async def test_policy_in_the_message_is_named_without_ids(flat: bool, tmp_path: Path) -> None:
    error = {"code": "RequestDisallowedByPolicy", "message": IDENTIFIERS}
    refusal = await refused(tmp_path, error if flat else {"error": error})
    assert refusal.reason == Reason.POLICY_DENIED
    assert '(policy assignment "Deny-GPU-quota")' in refusal.message
    assert "/subscriptions/" not in refusal.message


def test_words_of_a_policy_are_no_codes() -> None:
    message = "Resource was disallowed by policy. Reasons: 'code: \"QuotaExceeded\", use less'."
    error = failure({"code": "RequestDisallowedByPolicy", "message": message})
    assert error.reason == Reason.POLICY_DENIED


def test_policy_of_a_wrapped_late_failure_is_named() -> None:
    inner = json.dumps({"code": "RequestDisallowedByPolicy", "message": IDENTIFIERS})
    message = f"VMSSAgentPoolReconciler retry failed: {inner}"
    error = failure({"code": "ReconcileVMSSAgentPoolFailed", "message": message})
    assert error.reason == Reason.POLICY_DENIED
    assert '"Deny-GPU-quota"' in error.message


def test_missing_role_names_client_and_subnet() -> None:
    subnet = "/subscriptions/s/resourceGroups/net/providers/Microsoft.Network/subnets/gpu"
    message = (
        f"The client 'c-1' with object id 'c-1' has permission to perform action 'write' on scope "
        f"'{'/very/long' * 60}'; however, it does not have permission to perform action "
        f"'Microsoft.Network/virtualNetworks/subnets/join/action' on the linked scope(s) '{subnet}'"
    )
    error = failure({"code": "LinkedAuthorizationFailed", "message": message})
    assert error.reason == Reason.SUBNET_UNAUTHORIZED
    assert "'c-1'" in error.message and subnet in error.message
    assert "Network Contributor" in error.message
