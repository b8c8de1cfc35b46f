"""The check of the data over the life of a Workspace, on a fake cluster."""

import pytest

from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.errors import Forbidden
from kaito_kube.fake import Call
from kaito_kube.kinds import Key, labels_of
from tests.workspace_controller.given import (
    NAMESPACE,
    tuning_workspace,
)
from tests.workspace_controller.harness import Environment
from tests.workspace_controller.settling import conditions
from workspace_controller.plan.tuning.check_verdict import OBSTRUCTED_SECONDS

BROKEN = {"reason": "DataUnreadable", "message": "train.parquet is a page", "retryable": False}


async def test_broken_data_requests_no_node_until_the_spec_is_corrected() -> None:
    environment = Environment()
    environment.push_secret()
    environment.world.check_failure = BROKEN
    environment.apply(tuning_workspace())
    await environment.settle()
    made = environment.workspace()
    assert made["status"]["state"] == "Failed"
    assert conditions(made)["DataChecked"] == "False/DataUnreadable"
    assert environment.world.most_claims == 0
    environment.world.check_failure = None
    patch = {"tuning": {"input": {"urls": ["https://data.example/other.parquet"]}}}
    environment.cluster.change(kinds.WORKSPACE, Key(NAMESPACE, "ws"), patch)
    await environment.settle()
    assert environment.workspace()["status"]["state"] == "Ready"


async def test_cluster_with_gpu_nodes_only_goes_on_without_the_check() -> None:
    environment = Environment()
    environment.push_secret()
    environment.world.has_cpu_node = False
    environment.apply(tuning_workspace())
    await environment.settle()
    assert environment.world.most_claims == 0
    environment.clock.advance(OBSTRUCTED_SECONDS)
    await environment.settle()
    assert environment.workspace()["status"]["state"] == "Ready"
    # The run has read the data, so nothing is left to check.
    assert environment.cluster.peek(kinds.JOB, "ws.data-check", NAMESPACE) is None


@pytest.mark.parametrize("names", [("ws", "ws-data-check"), ("ws-data-check", "ws")])
async def test_check_takes_the_name_of_no_other_workspace(names: tuple[str, str]) -> None:
    environment = Environment()
    environment.push_secret()
    for name in names:
        environment.apply(tuning_workspace(name))
        await environment.replica.round()
    await environment.settle()
    states = [environment.workspace(name)["status"]["state"] for name in names]
    assert states == ["Ready", "Ready"]


async def test_service_leads_to_the_pod_that_answers_and_never_to_the_check() -> None:
    environment = Environment()
    environment.push_secret()
    environment.apply(tuning_workspace())
    reached: list[str] = []
    for _ in range(30):
        await environment.replica.round()
        environment.world.step()
        if service := environment.cluster.peek(kinds.SERVICE, "ws", NAMESPACE):
            wanted = service["spec"]["selector"].items()
            pods = environment.cluster.objects(kinds.POD)
            reached += [
                labels_of(pod)[labels.ROLE] for pod in pods if wanted <= labels_of(pod).items()
            ]
    assert list(dict.fromkeys(reached)) == ["tuning", "inference"]


@pytest.mark.parametrize("rounds", range(12))
async def test_check_that_somebody_deletes_costs_no_further_node(rounds: int) -> None:
    environment = Environment()
    environment.push_secret()
    environment.apply(tuning_workspace())
    for _ in range(rounds):
        await environment.replica.round()
        environment.world.step()
    if environment.cluster.peek(kinds.JOB, "ws.data-check", NAMESPACE):
        await environment.cluster.delete(kinds.JOB, "ws.data-check", NAMESPACE)
    await environment.settle()
    made = environment.workspace()
    assert (made["status"]["state"], len(environment.world.claims_seen)) == ("Ready", 1)
    assert conditions(made)["DataChecked"] == "True/DataChecked"


async def test_check_that_a_policy_forbids_does_not_hold_the_run_for_ever() -> None:
    environment = Environment()
    environment.push_secret()

    def forbid(call: Call) -> None:
        if (call.verb, call.kind, call.key.name) == ("create", kinds.JOB, "ws.data-check"):
            raise Forbidden('admission webhook "limits.example" denied the request: no CPU limit')

    environment.cluster.hook = forbid
    environment.apply(tuning_workspace())
    await environment.replica.round()
    assert conditions(environment.workspace())["ResourceReady"] == "False/AdmissionDenied"
    assert environment.world.most_claims == 0
    environment.clock.advance(OBSTRUCTED_SECONDS + 1)
    await environment.settle()
    assert environment.workspace()["status"]["state"] == "Ready"
