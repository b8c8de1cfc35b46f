"""What the API server says when it forbids a pod, and what the user can do about it."""

import pytest

from kaito_api.reasons import Reason
from kaito_kube.errors import Forbidden, Unavailable
from kaito_kube.kinds import JOB
from workspace_controller.plan.pods.forbidden import forbidden_pod
from workspace_controller.plan.refusal import refusal_of

# As Kubernetes 1.34 words them.
QUOTA = (
    'pods "ws-x" is forbidden: exceeded quota: team-quota, requested: requests.cpu=4, '
    "used: requests.cpu=1, limited: requests.cpu=2"
)
MESSAGES = {
    QUOTA: "raise ResourceQuota team-quota, or delete what uses it up",
    'pods "ws-x" is forbidden: failed quota: team-quota: must specify limits.cpu for: main': (
        "ResourceQuota team-quota wants every container to set these resources"
    ),
    'pods "ws-x" is forbidden: violates PodSecurity "restricted:latest": '
    "allowPrivilegeEscalation != false": (
        "relax the label pod-security.kubernetes.io/enforce of the namespace, which is "
        "restricted:latest"
    ),
    'pods "ws-x" is forbidden: violates PodSecurity "baseline:latest": hostPath volumes (volume '
    '"model")': (
        "set the label pod-security.kubernetes.io/enforce of the namespace to baseline, and its "
        "pods keep no models on the node; or empty workspace-controller.settings.modelCache"
    ),
    'pods "ws-x" is forbidden: violates PodSecurity "restricted:v1.34": restricted volume types '
    '(volume "model" uses restricted volume type "hostPath"), runAsNonRoot != true': (
        "set the label pod-security.kubernetes.io/enforce of the namespace to restricted"
    ),
    'pods "ws-x" is forbidden: maximum cpu usage per Container is 500m, but limit is 1': (
        "change the namespace's LimitRange"
    ),
    'pods "ws-x" is forbidden: [minimum memory usage per Pod is 1Gi, but request is 1Mi]': (
        "change the namespace's LimitRange"
    ),
    'pods "ws-x" is forbidden: error looking up service account team/robot: serviceaccount '
    '"robot" not found': "create the ServiceAccount",
    "pods \"ws-x\" is forbidden: ValidatingAdmissionPolicy 'no-gpus' with binding 'team' denied "
    "request: no GPUs here": "meet the policy no-gpus",
    'admission webhook "pods.policy.example" denied the request: no owner label': (
        "do what the webhook pods.policy.example asks for"
    ),
    'Internal error occurred: failed calling webhook "pods.policy.example": connection refused': (
        "the webhook pods.policy.example does not answer"
    ),
    "something new": "kubectl describe shows the details",
}


@pytest.mark.parametrize(("message", "remedy"), MESSAGES.items())
def test_forbidden_pod_has_the_servers_words_and_a_remedy(message: str, remedy: str) -> None:
    failure = forbidden_pod(message)
    assert failure.reason is Reason.POD_FORBIDDEN and not failure.permanent
    assert failure.message.startswith(f"the API server forbids the pod: {message}; ")
    assert remedy in failure.message


def test_remedy_survives_a_long_message() -> None:
    failure = forbidden_pod('violates PodSecurity "restricted:latest": ' + "x, " * 2000)
    assert len(failure.message) < 800 and failure.message.endswith("or use another namespace")


TERMINATING = (
    'jobs.batch "ws" is forbidden: unable to create new content in namespace team because it is '
    "being terminated"
)
REFUSALS = {
    TERMINATING: (Reason.NAMESPACE_TERMINATING, f"Job: {TERMINATING}"),
    QUOTA: (Reason.ADMISSION_DENIED, "raise ResourceQuota team-quota"),
    'User "x" cannot create resource "jobs" in API group "batch"': (
        Reason.CLUSTER_UNAVAILABLE,
        'resource "jobs" in API group "batch"',
    ),
}


@pytest.mark.parametrize(("message", "expected"), REFUSALS.items())
def test_refused_write_has_the_reason_of_its_cause(
    message: str, expected: tuple[Reason, str]
) -> None:
    reason, text = expected
    refusal = refusal_of(JOB, Forbidden(message))
    assert refusal.reason is reason and text in refusal.message


def test_server_that_does_not_answer_is_not_an_admission() -> None:
    assert refusal_of(JOB, Unavailable("no response")).reason is Reason.CLUSTER_UNAVAILABLE
