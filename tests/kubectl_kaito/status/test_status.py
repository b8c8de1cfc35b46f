"""What `status` says, on Workspaces as the controller writes them."""

import pytest

from kaito_api.conditions import rfc3339
from kaito_kube import errors, kinds
from kaito_kube.kinds import WORKSPACE, Key
from kubectl_kaito.cluster.fake import FakeCluster
from kubectl_kaito.status.table import sparkline
from tests.kubectl_kaito.console import Console
from tests.kubectl_kaito.reconciled import Reconciled, reconciled
from tests.workspace_controller.given import (
    NAMESPACE,
    inference,
    inference_workspace,
    tuning_workspace,
)
from workspace_controller.observed import Measurement, ModelStart


def invalid(name: str = "bad") -> kinds.Manifest:
    return inference_workspace(name, inference=inference(preset={"name": "no-such-model"}))


def test_all_workspaces_are_listed_with_their_price_and_the_total() -> None:
    made = reconciled(tuning_workspace("tuned"), inference_workspace("served"), invalid())
    result = made.console.run("status")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].split() == "NAME STATE MODEL INSTANCE NODES PROGRESS ETA $/H AGE".split()
    assert [line.split()[:2] for line in lines[1:4]] == [
        ["bad", "Failed"],
        ["served", "Ready"],
        ["tuned", "Ready"],
    ]
    assert lines[-1] == "3 Workspaces, $6.12/h"


def test_json_of_all_workspaces_has_the_sum_as_a_number() -> None:
    made = reconciled(tuning_workspace("tuned"), inference_workspace("served"))
    document = made.console.run("status", "-A", "-o", "json").json
    assert document["pricePerHour"] == 6.12
    assert [w["name"] for w in document["workspaces"]] == ["served", "tuned"]
    assert document["workspaces"][0]["instanceType"] == "Standard_NC6s_v3"


def test_no_workspaces_is_not_an_error() -> None:
    result = Console().run("status")
    assert (result.code, result.out) == (0, "No Workspaces found.\n")


def test_one_workspace_shows_every_condition_its_nodes_and_its_adapter() -> None:
    made = reconciled(tuning_workspace())
    result = made.console.run("status", "ws")
    assert result.code == 0
    for condition in made.environment.workspace()["status"]["conditions"]:
        (line,) = (x for x in result.out.splitlines() if x.startswith(condition["type"] + " "))
        assert condition["reason"] in line
    assert "registry.local/adapters/phi:1@sha256:" in result.out
    assert "$3.06/h" in result.out
    assert "why" not in result.out


def test_a_workspace_on_its_way_names_what_it_waits_for() -> None:
    made = Reconciled().apply(inference_workspace()).rounds(2)
    result = made.console.run("status", "ws", "-o", "json").json
    assert result["workspace"]["state"] == "Provisioning"
    assert result["blocking"]["reason"] == "CreatingNodes"
    assert result["nodes"][0]["instanceType"] == "Standard_NC6s_v3"
    assert "kubectl kaito why ws" in made.console.run("status", "ws").out


def test_the_cost_so_far_is_what_the_controller_records() -> None:
    made = reconciled(inference_workspace()).launch()
    before = made.console.run("status", "ws", "-o", "json").json["costSoFar"]
    made.environment.clock.advance(3600)
    after = made.console.run("status", "ws", "-o", "json").json["costSoFar"]
    assert after - before == pytest.approx(3.06)
    (line,) = (x for x in made.console.run("status", "ws").out.splitlines() if "so far" in x)
    assert line.split()[-1] == "$3.06"


def test_a_controller_that_records_no_cost_is_made_up_for() -> None:
    made = reconciled(inference_workspace())
    made.environment.cluster.change(WORKSPACE, Key(NAMESPACE, "ws"), {"status": {"cost": None}})
    made.environment.clock.advance(3600)
    detail = made.console.run("status", "ws", "-o", "json").json
    assert detail["costEstimated"] is True
    assert detail["costSoFar"] >= 3.06
    assert ", by the recorded price" in made.console.run("status", "ws").out


def test_a_failed_workspace_has_exit_code_1() -> None:
    result = reconciled(invalid()).console.run("status", "bad")
    assert result.code == 1
    assert "no-such-model" in result.out


def test_a_failed_workspace_that_keeps_its_nodes_is_marked_idle() -> None:
    made = reconciled(inference_workspace())
    made.environment.cluster.change(
        WORKSPACE, Key(NAMESPACE, "ws"), {"status": {"state": "Failed"}}
    )
    assert "Failed (idle)" in made.console.run("status").out
    assert made.console.run("status").out.endswith("1 Workspace, $3.06/h, 1 idle\n")


def test_a_misspelled_name_lists_those_that_there_are() -> None:
    made = reconciled(inference_workspace("served"))
    result = made.console.run("status", "severd")
    assert result.code == 4
    assert result.err == "error: namespace team has no Workspace severd: it has served\n"
    empty = made.console.run("status", "served", "-n", "other")
    assert "kubectl kaito status -A" in empty.err


def test_a_cluster_without_kaito_says_so() -> None:
    result = Console(FakeCluster(missing_kinds={WORKSPACE})).run("status", "ws")
    assert result.code == 4
    assert "does not serve Workspaces" in result.err and "doctor" in result.err


def test_what_the_user_may_not_read_is_named_and_the_rest_is_shown() -> None:
    made = reconciled(inference_workspace())
    made.cluster.denied = {kinds.MACHINE, kinds.CORE_EVENT}
    result = made.console.run("status", "ws")
    assert result.code == 0
    assert "You may not read: machines, events." in result.out


def test_a_workspace_that_no_controller_has_seen_is_unknown() -> None:
    made = Reconciled().apply(inference_workspace())
    result = made.console.run("status", "ws")
    assert "Unknown" in result.out
    assert "No controller has reported any condition yet." in result.out


def test_watching_prints_a_line_a_change_until_it_is_ready() -> None:
    made = Reconciled()
    made.environment.push_secret()
    made.apply(tuning_workspace())

    def one_round() -> None:
        made.rounds(1)

    made.console.during_pause = one_round
    result = made.console.run("status", "ws", "--watch")
    assert result.code == 0
    states = [line.split()[1] for line in result.out.splitlines()]
    assert states[0] == "Unknown" and states[-1] == "Ready"
    assert "Provisioning" in states
    assert len(set(result.out.splitlines())) == len(result.out.splitlines())


def test_watching_survives_an_outage_of_the_api_server() -> None:
    made = reconciled(inference_workspace())
    made.cluster.outage = errors.Unavailable("no response")

    def recover() -> None:
        made.cluster.outage = None

    made.console.during_pause = recover
    assert made.console.run("status", "ws", "--watch").code == 0
    assert made.console.pauses == 1


def test_watching_gives_up_on_a_cluster_that_stays_away() -> None:
    made = reconciled(inference_workspace())
    made.cluster.outage = errors.Unavailable("no response")
    assert made.console.run("status", "ws", "--watch").code == 3


def test_a_fresh_status_does_not_hide_that_it_is_being_deleted() -> None:
    made = reconciled(inference_workspace())
    stamp = rfc3339(made.environment.clock.now())
    patch = {"metadata": {"deletionTimestamp": stamp}}
    made.environment.cluster.change(WORKSPACE, Key(NAMESPACE, "ws"), patch)
    assert "Deleting" in made.console.run("status").out


@pytest.mark.parametrize(
    ("values", "bars"),
    [([], ""), ([1.0], ""), ([1.0, 1.0], "▁▁"), ([8.0, 1.0], "█▁"), ([3.0, 2.0, 1.0], "█▅▁")],
)
def test_losses_are_drawn_from_their_lowest_to_their_highest(
    values: list[float], bars: str
) -> None:
    assert sparkline(values) == bars


def test_options_of_the_cluster_are_passed_on() -> None:
    console = Console()
    console.run("status", "--context", "prod", "--kubeconfig", "/tmp/k")
    (choice,) = console.choices
    assert (choice.context, choice.kubeconfig) == ("prod", "/tmp/k")


def test_the_start_of_the_model_and_its_speed_are_shown() -> None:
    made = Reconciled()
    made.environment.replica.models.report = ModelStart(
        {"load": 65.0, "warm-up": 2.0},
        Measurement(
            engine="fake",
            tokens_per_second=38.0,
            peak_tokens_per_second=400.0,
            concurrent_answers=16,
            peak_memory_bytes=2**34,
        ),
    )
    made.apply(inference_workspace()).settle()
    result = made.console.run("status", "ws")
    assert "load 1m5s, warm-up 2s" in result.out
    speed = "38.0 tokens/s for one answer, 400.0 for several at once, peak memory 16 GiB"
    assert speed in result.out
    document = made.console.run("status", "ws", "-o", "json").json
    assert document["start"]["phases"]["load"] == 65
    assert document["start"]["tokensPerSecond"] == 38.0
    assert document["revision"] == 1
