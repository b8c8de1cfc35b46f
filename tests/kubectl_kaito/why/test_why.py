"""`why` names the trouble that was provoked: the controller decides, a command explains."""

from collections.abc import Callable
from typing import Any

import pytest

from kaito_kube import kinds
from kaito_kube.kinds import DEPLOYMENT, JOB, MACHINE, POD, Key, Kind, Manifest, labels_of
from tests.kubectl_kaito.installed import NAME, RELEASE, install, renew
from tests.kubectl_kaito.reconciled import Reconciled
from tests.workspace_controller.given import (
    NAMESPACE,
    inference,
    inference_workspace,
    resource,
    tuning,
    tuning_workspace,
)

Provocation = Callable[[Reconciled], None]


def given(*, secret: bool = True) -> Reconciled:
    made = Reconciled()
    install(made.cluster, made.environment.clock.now())
    if secret:
        made.environment.push_secret()
    return made


def served(**changes: Any) -> Provocation:
    def provoke(made: Reconciled) -> None:
        made.apply(inference_workspace(**changes)).rounds(2)

    return provoke


def tuned(**changes: Any) -> Provocation:
    def provoke(made: Reconciled) -> None:
        made.apply(tuning_workspace(tuning=tuning(**changes))).rounds(2)

    return provoke


def claim_reports(type_: str, reason: str, message: str) -> Provocation:
    def provoke(made: Reconciled) -> None:
        made.apply(inference_workspace())
        made.controller_pass()
        (claim,) = made.environment.cluster.objects(MACHINE)
        condition = {"type": type_, "status": "False", "reason": reason, "message": message}
        patch = {"status": {"conditions": [condition]}}
        made.environment.cluster.change(MACHINE, kinds.key_of(claim), patch)
        made.controller_pass()

    return provoke


def pod_reports(role: str, **status: Any) -> Provocation:
    def provoke(made: Reconciled) -> None:
        manifest = inference_workspace() if role == "inference" else tuning_workspace()
        made.apply(manifest)
        pods: list[Manifest] = []
        while not pods:
            made.rounds(1)
            found = made.environment.cluster.objects(POD)
            pods = [pod for pod in found if labels_of(pod)["kaito.sh/role"] == role]
        (pod,) = pods
        made.environment.cluster.change(POD, kinds.key_of(pod), {"status": status})
        made.environment.clock.advance(60)
        made.controller_pass()

    return provoke


def container(name: str, **state: Any) -> Manifest:
    return {"name": name, "image": f"registry.local/{name}:1", "state": state}


def check_finds(reason: str, message: str) -> Provocation:
    def provoke(made: Reconciled) -> None:
        made.environment.world.check_failure = {"reason": reason, "message": message}
        made.apply(tuning_workspace()).rounds(6)

    return provoke


def quota_forbids_the_job(made: Reconciled) -> None:
    made.apply(tuning_workspace())
    made.controller_pass()
    (job,) = made.environment.cluster.objects(JOB)
    message = 'Error creating: pods "ws" is forbidden: exceeded quota: compute, used: pods=9'
    event = {
        "metadata": {"name": "e1", "namespace": NAMESPACE},
        "type": "Warning",
        "reason": "FailedCreate",
        "message": message,
        "lastTimestamp": "2026-01-01T00:00:00Z",
        "involvedObject": {"kind": "Job", "name": "ws", "uid": job["metadata"]["uid"]},
    }
    now = made.environment.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    made.environment.cluster.seed(kinds.CORE_EVENT, {**event, "lastTimestamp": now})
    made.controller_pass()


TROUBLES: list[tuple[str, Provocation, str, str]] = [
    ("preset", served(inference=inference(preset={"name": "phi-9"})), "PresetUnknown", "phi-9"),
    (
        "instance type",
        served(resource=resource(instanceType="Standard_NC6s_v9")),
        "InstanceTypeUnknown",
        "Standard_NC6s_v9",
    ),
    (
        "too small",
        served(inference=inference(preset={"name": "falcon-40b"})),
        "InstanceTypeTooSmall",
        "falcon-40b needs",
    ),
    ("no config map", tuned(config="mine"), "ConfigMapMissing", "team/mine"),
    ("gated", served(inference=inference(preset={"name": "gemma-3-4b-it"})), "WorkspaceInvalid",
     "HF_TOKEN"),
    ("url", tuned(input={"urls": ["ftp://host/file"]}), "WorkspaceInvalid", "ftp://host/file"),
    ("quota", claim_reports("Launched", "QuotaExceeded", "needs 6 vCPUs, 0 left"),
     "QuotaExceeded", "needs 6 vCPUs, 0 left"),
    ("sku", claim_reports("Launched", "SkuNotAvailable", "not offered in eastus"),
     "SkuNotAvailable", "not offered in eastus"),
    ("capacity", claim_reports("Launched", "InsufficientCapacity", "no room in zone 1"),
     "InsufficientCapacity", "no room in zone 1"),
    ("role", claim_reports("Launched", "CloudUnauthorized", "lacks the role"),
     "CloudUnauthorized", "lacks the role"),
    ("policy", claim_reports("Launched", "PolicyDenied", "policy require-tags"),
     "PolicyDenied", "require-tags"),
    ("lock", claim_reports("Launched", "ResourceLocked", "lock keep"), "ResourceLocked", "keep"),
    ("subnet", claim_reports("Launched", "SubnetFull", "subnet aks has 2 left"),
     "SubnetFull", "subnet aks"),
    ("no join", claim_reports("Registered", "RegistrationTimeout", "never joined"),
     "RegistrationTimeout", "never joined"),
    ("no GPU", claim_reports("Initialized", "InitializationTimeout", "lacks nvidia.com/gpu"),
     "InitializationTimeout", "lacks nvidia.com/gpu"),
    ("rows", check_finds("DataColumnMissing", "columns: a, b"), "DataColumnMissing", "a, b"),
    ("data host", check_finds("DataUnreachable", "404 of https://x"), "DataUnreachable", "404"),
    (
        "image",
        pod_reports("inference", containerStatuses=[container(
            "model-server", waiting={"reason": "ImagePullBackOff", "message": "no such tag"})]),
        "ImagePullFailed",
        "no such tag",
    ),
    (
        "crash",
        pod_reports("inference", containerStatuses=[container(
            "model-server", terminated={"exitCode": 3, "message": "boom"})]),
        "ContainerCrashed",
        "boom",
    ),
    (
        "memory",
        pod_reports("inference", containerStatuses=[container(
            "model-server", terminated={"exitCode": 137, "reason": "OOMKilled"})]),
        "OutOfMemory",
        "was killed",
    ),
    (
        "no room",
        pod_reports("inference", conditions=[{
            "type": "PodScheduled", "status": "False", "message": "0/1 nodes: Insufficient gpu",
            "lastTransitionTime": "2020-01-01T00:00:00Z"}]),
        "Unschedulable",
        "Insufficient gpu",
    ),
    ("namespace quota", quota_forbids_the_job, "PodForbidden", "exceeded quota: compute"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("provoke", "reason", "text"),
    [pytest.param(*rest, id=name) for name, *rest in TROUBLES],
)
def test_the_cause_named_is_the_one_that_was_provoked(
    provoke: Provocation, reason: str, text: str
) -> None:
    made = given()
    provoke(made)
    result = made.console.run("why", "ws")
    assert result.code == 1, result.out
    headline = result.out.splitlines()[0]
    assert headline.startswith("team/ws is stuck: ")
    assert text in headline
    view = made.console.run("why", "ws", "-o", "json").json
    assert (view["verdict"], view["reason"]) == ("failing", reason)
    assert view["meaning"] and view["remedy"]
    assert view["commands"]
    for command in view["commands"]:
        assert f"  {command}" in result.out


def test_a_missing_secret_is_named_with_the_field() -> None:
    made = given(secret=False)
    made.apply(tuning_workspace()).rounds(2)
    result = made.console.run("why", "ws")
    assert "tuning.output.imagePushSecret: Secret team/push does not exist" in result.out
    assert "kubectl -n team get secret" in result.out


def test_a_ready_workspace_is_fine() -> None:
    made = given().apply(inference_workspace()).settle()
    result = made.console.run("why", "ws")
    assert result.code == 0
    assert result.out == "team/ws is fine: the model answers requests\n"


def test_a_model_that_answers_without_all_that_it_should_have_is_not_just_fine() -> None:
    made = given().apply(inference_workspace()).settle()
    message = "the model answers requests from its old pod; its new pod does not become ready: x"
    workspace = made.environment.cluster.objects(kinds.WORKSPACE)[0]
    conditions = [
        {**each, "reason": "UpdateFailed", "message": message}
        if each["type"] == "InferenceReady"
        else each
        for each in workspace["status"]["conditions"]
    ]
    patch = {"status": {"conditions": conditions}}
    made.environment.cluster.change(kinds.WORKSPACE, kinds.key_of(workspace), patch)
    result = made.console.run("why", "ws")
    assert result.code == 0
    assert result.out.startswith(f"team/ws is fine: {message}\n")
    assert "Remedy" in result.out
    assert "kubectl -n team describe pod" in result.out


def test_a_workspace_on_its_way_has_not_failed() -> None:
    made = given().apply(inference_workspace())
    made.controller_pass()
    made.controller_pass()
    result = made.console.run("why", "ws")
    assert result.code == 0
    assert result.out.startswith("team/ws is on its way; nothing has failed: ")
    assert "kubectl kaito status ws -n team --watch" in result.out


def test_a_crash_shows_the_last_lines_of_the_run_that_failed() -> None:
    made = given()
    crashed = {
        **container("model-server", waiting={"reason": "CrashLoopBackOff"}),
        "lastState": {"terminated": {"exitCode": 1}},
        "restartCount": 4,
    }
    pod_reports("inference", phase="Pending", containerStatuses=[crashed])(made)
    (pod,) = made.environment.cluster.objects(POD)
    key = kinds.key_of(pod)
    own = '{"level": "ERROR", "message": "no room", "exc_info": "Traceback (most recent call..."}'
    made.cluster.logs[(key, "model-server", True)] = f"{own}\n\nCUDA error: out of luck\n"
    view = made.console.run("why", "ws", "-o", "json").json
    assert view["reason"] == "ContainerCrashed"
    texts = [(e["source"], e["text"]) for e in view["evidence"]]
    assert ("log", "CUDA error: out of luck") in texts
    assert ("log", "ERROR: no room") in texts
    assert ("pod", "container model-server ended with exit code 1, restarted 4 times") in texts
    assert view["commands"][0] == (
        f"kubectl -n team logs {key.name} -c model-server --previous --tail=50"
    )


def test_a_containers_own_report_is_read_out_of_its_termination_message() -> None:
    made = given()
    check_finds("DataEmpty", "the dataset has no rows")(made)
    view = made.console.run("why", "ws", "-o", "json").json
    pods = [e["text"] for e in view["evidence"] if e["source"] == "pod"]
    assert pods == [
        "container data-checker ended with exit code 1: DataEmpty: the dataset has no rows"
    ]


def test_warnings_about_it_are_evidence_and_others_are_not() -> None:
    made = given()
    claim_reports("Launched", "QuotaExceeded", "0 left")(made)
    (claim,) = made.environment.cluster.objects(MACHINE)
    for number, (uid, type_) in enumerate(
        [(claim["metadata"]["uid"], "Warning"), ("other", "Warning"),
         (claim["metadata"]["uid"], "Normal")]
    ):  # fmt: skip
        made.environment.cluster.seed(
            kinds.CORE_EVENT,
            {
                "metadata": {"name": f"e{number}", "namespace": "default"},
                "type": type_,
                "reason": "LaunchFailed",
                "message": f"message {number}",
                "involvedObject": {"kind": "Machine", "name": "m", "uid": uid},
            },
        )
    view = made.console.run("why", "ws", "-o", "json").json
    events = [e["text"] for e in view["evidence"] if e["source"] == "event"]
    assert "LaunchFailed: message 0" in events
    assert not any("message 1" in text or "message 2" in text for text in events)


def test_a_reason_of_another_provisioner_is_said_to_be_foreign() -> None:
    made = given()
    claim_reports("Launched", "NodeClassNotReady", "the node class has no image")(made)
    view = made.console.run("why", "ws", "-o", "json").json
    assert view["verdict"] == "failing"
    assert view["cause"].endswith("the node class has no image")
    assert view["meaning"] is None and view["waitingHelps"] is None
    assert "not a reason of Kaito's" in view["remedy"]
    assert view["commands"] == ["kubectl -n team describe workspace ws"]


def test_commands_are_filled_in_with_what_the_release_says() -> None:
    made = given()
    claim_reports("Launched", "QuotaExceeded", "0 left")(made)
    controller = made.environment.cluster.objects(DEPLOYMENT)
    region = next(
        e["value"]
        for d in controller
        for c in d["spec"]["template"]["spec"]["containers"]
        for e in c.get("env", ())
        if e["name"] == "KAITO_AZURE_LOCATION"
    )
    commands = made.console.run("why", "ws", "-o", "json").json["commands"]
    assert commands[0] == f"az vm list-usage --location {region or '$REGION'} -o table"


def test_without_a_controller_that_is_the_cause() -> None:
    made = Reconciled().apply(inference_workspace())
    result = made.console.run("why", "ws")
    assert result.code == 1
    assert "workspace-controller is not installed" in result.out
    install(made.cluster, made.environment.clock.now(), available=0)
    assert f"no running pod (Deployment {RELEASE}/{NAME})" in made.console.run("why", "ws").out
    install(made.cluster, made.environment.clock.now())
    made.environment.clock.advance(120)
    assert "no replica of workspace-controller leads" in made.console.run("why", "ws").out


def test_a_change_that_a_dead_controller_has_not_seen_is_not_blamed_on_old_conditions() -> None:
    made = given()
    claim_reports("Launched", "QuotaExceeded", "0 left")(made)
    made.environment.clock.advance(120)
    stale = made.console.run("why", "ws", "-o", "json").json
    assert stale["reason"] == "QuotaExceeded"
    assert "no replica" in stale["evidence"][-1]["text"]
    made.environment.cluster.change(
        kinds.WORKSPACE, Key(NAMESPACE, "ws"), {"resource": {"preferredNodes": ["n"]}}
    )
    outdated = made.console.run("why", "ws", "-o", "json").json
    assert outdated["reason"] is None
    assert "no replica of workspace-controller leads" in outdated["cause"]
    assert any("QuotaExceeded" in e["text"] for e in outdated["evidence"])


def test_a_new_workspace_waits_and_an_old_one_without_conditions_is_not_known() -> None:
    made = given().apply(inference_workspace())
    assert made.console.run("why", "ws").code == 0
    made.environment.clock.advance(40)
    renew(made.cluster, made.environment.clock.now())
    result = made.console.run("why", "ws")
    assert result.code == 1
    assert "the cause is not known" in result.out and "kubectl kaito doctor" in result.out


def test_without_rights_in_the_releases_namespace_it_says_what_it_cannot_know() -> None:
    made = given().apply(inference_workspace())
    made.environment.clock.advance(40)
    made.cluster.denied = {DEPLOYMENT}
    result = made.console.run("why", "ws")
    assert result.code == 1
    assert "you may not read deployments" in result.out


def test_a_deletion_that_is_held_up_names_what_holds_it() -> None:
    made = given().apply(inference_workspace()).settle()
    stamp = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}
    made.environment.cluster.change(kinds.WORKSPACE, Key(NAMESPACE, "ws"), stamp)
    (claim,) = made.environment.cluster.objects(MACHINE)
    condition = {
        "type": "Drained",
        "status": "False",
        "reason": "DrainBlocked",
        "message": "pod team/x",
    }
    made.environment.cluster.change(
        MACHINE, kinds.key_of(claim), {"status": {"conditions": [condition]}}
    )
    made.controller_pass()
    made.controller_pass()
    view = made.console.run("why", "ws", "-o", "json").json
    assert (view["verdict"], view["reason"]) == ("failing", "DrainBlocked")
    assert view["commands"][0] == "kubectl get poddisruptionbudget -A"


@pytest.mark.parametrize("kind", [POD, MACHINE, kinds.CORE_EVENT], ids=str)
def test_the_cause_is_named_without_the_right_to_read_evidence(kind: Kind) -> None:
    made = given()
    claim_reports("Launched", "QuotaExceeded", "0 left")(made)
    made.cluster.denied = {kind}
    assert made.console.run("why", "ws", "-o", "json").json["reason"] == "QuotaExceeded"
