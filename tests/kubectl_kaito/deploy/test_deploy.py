"""`deploy` and `tune`: what is written, and what is refused before anything is."""

import json
from pathlib import Path

import pytest

from kaito_api.workspace import parse
from kaito_kube.kinds import WORKSPACE
from tests.kubectl_kaito.console import Console
from tests.kubectl_kaito.installed import install
from tests.kubectl_kaito.reconciled import Reconciled

T4, A100 = "Standard_NC4as_T4_v3", "Standard_NC24ads_A100_v4"
PHI = "phi-3-mini-128k-instruct"
DATA = ["--data", "https://data.example/train.parquet", "--adapter", "registry.local/a:1"]


def released(**variables: str) -> Reconciled:
    made = Reconciled()
    given = {"KAITO_MAX_MODEL_NODES": "1", **variables}
    install(made.cluster, made.environment.clock.now(), variables=given)
    made.environment.push_secret()
    return made


def test_a_dry_run_prints_a_manifest_that_is_valid_and_needs_no_cluster() -> None:
    result = Console(unreachable=True).run("deploy", PHI, "--dry-run")
    assert result.code == 0
    manifest = result.yaml
    assert manifest["metadata"]["name"] == PHI
    assert manifest["resource"]["instanceType"] == T4
    assert parse(manifest).inference is not None
    assert manifest["metadata"]["annotations"] == {"kaito.sh/max-price-per-hour": "0.53"}
    assert Console(unreachable=True).run("deploy", PHI, "--dry-run", "-o", "json").json == manifest


def test_a_dry_run_of_tuning_has_data_and_output() -> None:
    arguments = ["tune", PHI, *DATA, "--push-secret", "push", "--dry-run"]
    manifest = Console(unreachable=True).run(*arguments).yaml
    spec = parse(manifest)
    assert spec.tuning is not None
    assert spec.tuning.input.urls == ["https://data.example/train.parquet"]
    assert (spec.tuning.output.image, spec.tuning.output.image_push_secret) == (
        "registry.local/a:1",
        "push",
    )
    assert manifest["metadata"]["name"] == f"{PHI}-tuned"


def test_a_dry_run_has_the_method() -> None:
    arguments = ["tune", PHI, *DATA, "--method", "dpo", "--dry-run"]
    manifest = Console(unreachable=True).run(*arguments).yaml
    assert manifest["tuning"]["method"] == "dpo"
    spec = parse(manifest)
    assert spec.tuning is not None
    assert manifest["resource"]["instanceType"] == T4


def test_a_deployment_is_followed_until_the_model_answers() -> None:
    made = released()

    def one_round() -> None:
        made.rounds(1)

    made.console.during_pause = one_round
    result = made.console.run("deploy", PHI)
    assert result.code == 0, result
    first, *lines, last = result.out.splitlines()
    assert first == f"Workspace {PHI} on {T4}, $0.53/h applied in team."
    assert lines[-1].split()[1] == "Ready"
    assert last == f"`kubectl kaito endpoint {PHI} -n team` says where."


def test_a_tuning_is_followed_to_the_served_adapter() -> None:
    made = released()

    def one_round() -> None:
        made.rounds(1)

    made.console.during_pause = one_round
    result = made.console.run("tune", PHI, *DATA, "--push-secret", "push", "--name", "mine")
    assert result.code == 0, result
    assert "Ready" in result.out
    assert made.environment.workspace("mine")["status"]["adapter"]["digest"]


def test_a_deployment_that_fails_says_how_to_learn_why() -> None:
    made = released()

    def one_round() -> None:
        made.rounds(1)

    made.console.during_pause = one_round
    result = made.console.run("deploy", "gemma-3-4b-it", "--access-secret", "none", "--no-wait")
    assert result.code == 0
    made.rounds(3)
    assert made.environment.workspace("gemma-3-4b-it")["status"]["state"] != "Ready"
    gated = made.console.run("deploy", "gemma-3-4b-it", "--name", "gated")
    assert gated.code == 1
    assert "`kubectl kaito why gated -n team` says why." in gated.out


def test_own_nodes_get_no_instance_type() -> None:
    made = released(KAITO_NODE_PROVISIONER="byo")
    result = made.console.run("deploy", "phi-4", "--dry-run")
    assert "instanceType" not in result.yaml["resource"]


def test_an_instance_type_can_be_named_in_any_case() -> None:
    result = released().console.run(
        "deploy", "phi-4", "--instance-type", A100.lower(), "--dry-run", "-o", "json"
    )
    assert json.loads(result.out)["resource"]["instanceType"].casefold() == A100.casefold()


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["deploy", "phi-9"], 4, "'phi-9' is not a preset"),
        (["deploy", "phi-4", "--instance-type", T4], 1, "phi-4 does not go on Standard_NC4as_T4"),
        (["deploy", "phi-4", "--instance-type", "Big"], 1, "on Big: it is not in the catalog"),
        (["deploy", "phi-4", "--max-price", "1"], 1, "no instance type does for phi-4"),
        (["deploy", "phi-4", "--name", "Not_A_Name"], 5, "refuses"),
        (["tune", PHI, "--data", "./train.jsonl", "--adapter", "r/a:1"], 2, "no such file"),
        (["tune", PHI, "--data", "ftp://h/f", "--adapter", "r.local/a:1"], 2, "ftp://h/f"),
        (["tune", PHI, "--data", "https://[::1", "--adapter", "r/a:1"], 2, "--data is not a URL"),
        (["deploy", "phi-4", "--max-price", "inf"], 2, "--max-price"),
        (["tune", PHI, *DATA, "--method", "full"], 2, "--method"),
        (["tune", "deepseek-r1-0528", *DATA], 1, "no instance type does"),
    ],
    ids=lambda value: " ".join(value[:4]) if isinstance(value, list) else "",
)
def test_what_cannot_work_is_refused_before_anything_is_written(
    arguments: list[str], code: int, text: str
) -> None:
    made = released()
    if code == 5:
        made.cluster.outage = None
        made.environment.cluster.fail_next("apply", _invalid())
    result = made.console.run(*arguments, "--no-wait")
    assert (result.code, text in result.err) == (code, True), result
    assert len(result.err.splitlines()) == 1 or code == 2
    assert made.environment.cluster.objects(WORKSPACE) == []


def _invalid() -> Exception:
    from kaito_kube.errors import Invalid

    return Invalid("metadata.name: Invalid value")


def test_no_secret_of_a_url_is_shown(tmp_path: Path) -> None:
    made = released()
    url = "ftp://user:hunter2@host/file?sig=hunter2"
    result = made.console.run("tune", PHI, "--data", url, "--adapter", "r.local/a:1")
    assert result.code == 2
    assert "hunter2" not in result.err + result.out
