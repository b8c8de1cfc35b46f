"""The check of the data on a real API server: what it creates, and when a node is requested."""

import json

from kaito_kube import kinds
from kaito_kube.kinds import Manifest
from tests.workspace_controller.apiserver.sandbox import Sandbox, condition, eventually
from tests.workspace_controller.given import CONFIG, resource, tuning

CHECK = "ws.data-check"
DENIED = {"reason": "PushUnauthorized", "message": "the secret 'push' is refused"}
BROKEN = {"reason": "DataUnreadable", "message": "train.parquet is a web page", "retryable": False}


def applied(sandbox: Sandbox) -> None:
    """A tuning Workspace, and the objects that it names."""
    sandbox.create(
        kinds.CONFIG_MAP,
        {"metadata": {"name": "mine"}, "data": {"training_config.yaml": CONFIG}},
    )
    sandbox.create(
        kinds.SECRET,
        {
            "metadata": {"name": "push"},
            "type": "kubernetes.io/dockerconfigjson",
            "stringData": {".dockerconfigjson": '{"auths": {}}'},
        },
    )
    sandbox.create(
        kinds.WORKSPACE,
        {"metadata": {"name": "ws"}, "resource": resource(), "tuning": tuning(config="mine")},
    )


def started(sandbox: Sandbox, job: Manifest) -> None:
    """Creates the Job's pod, under the strictest of Kubernetes' pod security standards."""
    enforced = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    sandbox.api.admin.merge(f"/api/v1/namespaces/{sandbox.namespace}", enforced)
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": CHECK, "uid": job["metadata"]["uid"]}
    template = job["spec"]["template"]
    metadata = {**template["metadata"], "name": f"{CHECK}-1", "ownerReferences": [owner]}
    sandbox.create(kinds.POD, {"metadata": metadata, "spec": template["spec"]})


def ended(sandbox: Sandbox, container: str, report: Manifest) -> None:
    state = {"terminated": {"exitCode": 1, "message": json.dumps(report)}}
    found = {
        "name": container,
        "image": "i",
        "imageID": "",
        "ready": False,
        "restartCount": 1,
        "state": state,
    }
    status = {"phase": "Running", "containerStatuses": [found]}
    sandbox.set_status(kinds.POD, f"{CHECK}-1", status)


def completed(sandbox: Sandbox) -> None:
    time = "2026-01-01T00:00:00Z"
    conditions = [condition(type_, "True", "Test") for type_ in ("SuccessCriteriaMet", "Complete")]
    done = {"startTime": time, "completionTime": time, "succeeded": 1, "conditions": conditions}
    sandbox.set_status(kinds.JOB, CHECK, done)


def job_uid(sandbox: Sandbox) -> str:
    return str((sandbox.get(kinds.JOB, CHECK) or {"metadata": {"uid": ""}})["metadata"]["uid"])


async def test_node_is_requested_once_the_check_has_succeeded(sandbox: Sandbox) -> None:
    sandbox.install(kinds.MACHINE)
    applied(sandbox)
    async with sandbox.controller("machine"):
        await eventually(lambda: sandbox.get(kinds.JOB, CHECK))
        await eventually(
            lambda: sandbox.status_and_reason("ws", "DataChecked") == "Unknown/DataCheckRunning"
        )
        assert sandbox.status_and_reason("ws", "ResourceReady") == "False/WaitingForDataCheck"
        assert not sandbox.all(kinds.MACHINE)
        completed(sandbox)
        await eventually(lambda: sandbox.all(kinds.MACHINE))
        await eventually(
            lambda: sandbox.status_and_reason("ws", "DataChecked") == "True/DataChecked"
        )


async def test_failure_costs_no_node_and_a_corrected_spec_is_checked_again(
    sandbox: Sandbox,
) -> None:
    sandbox.install(kinds.MACHINE)
    applied(sandbox)
    async with sandbox.controller("machine"):
        await eventually(lambda: sandbox.get(kinds.JOB, CHECK))
        job = sandbox.get(kinds.JOB, CHECK)
        assert job is not None
        started(sandbox, job)
        ended(sandbox, "data-checker", BROKEN)
        await eventually(
            lambda: sandbox.status_and_reason("ws", "DataChecked") == "False/DataUnreadable"
        )
        assert "train.parquet is a web page" in sandbox.message("ws", "WorkspaceReady")
        sandbox.patch(
            kinds.WORKSPACE, "ws", {"tuning": {"input": {"urls": ["https://data.example/b"]}}}
        )
        await eventually(lambda: job_uid(sandbox) not in ("", job["metadata"]["uid"]))
        assert not sandbox.all(kinds.MACHINE)


async def test_corrected_configuration_is_checked_again(sandbox: Sandbox) -> None:
    """It is not watched, so the controller looks every ten seconds."""
    sandbox.install(kinds.MACHINE)
    applied(sandbox)
    async with sandbox.controller("machine"):
        await eventually(lambda: sandbox.get(kinds.JOB, CHECK))
        job = sandbox.get(kinds.JOB, CHECK)
        assert job is not None
        started(sandbox, job)
        ended(sandbox, "push-checker", DENIED)
        await eventually(
            lambda: sandbox.status_and_reason("ws", "TuningSucceeded") == "False/PushUnauthorized"
        )
        edited = {"data": {"training_config.yaml": f"{CONFIG}# edited\n"}}
        sandbox.patch(kinds.CONFIG_MAP, "mine", edited)
        await eventually(lambda: job_uid(sandbox) not in ("", job["metadata"]["uid"]))
        assert not sandbox.all(kinds.MACHINE)
