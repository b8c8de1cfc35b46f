"""What `plan` offers, and that it is what the controller would decide."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from kaito_kube.errors import Invalid
from kaito_kube.kinds import CONFIG_MAP, WORKSPACE
from kaito_skus.price_sheet import Price
from kubectl_kaito.cluster.fake import FakeCluster
from kubectl_kaito.offers import DEFAULT_MAX_MODEL_NODES
from kubectl_kaito.prices.fake import FakePrices
from kubectl_kaito.release import observe_release
from tests.kubectl_kaito.console import NOW, Console
from tests.kubectl_kaito.installed import install
from tests.kubectl_kaito.reconciled import reconciled
from tests.workspace_controller.given import (
    inference,
    inference_workspace,
    resource,
    tuning_workspace,
)

A100, T4 = "Standard_NC24ads_A100_v4", "Standard_NC4as_T4_v3"


def console(nodes: int = 1, engine: str = "auto", **changes: Any) -> Console:
    """A console over a release that lets a model span that many nodes."""
    made = Console(FakeCluster(namespace="team"), **changes)
    assert isinstance(made.cluster, FakeCluster)
    variables = {"KAITO_MAX_MODEL_NODES": str(nodes), "KAITO_ENGINE": engine}
    install(made.cluster, NOW, variables=variables)
    return made


def write(folder: Path, *manifests: Any) -> str:
    path = folder / "workspace.yaml"
    path.write_text(yaml.safe_dump_all(manifests))
    return str(path)


def on(instance_type: str | None, **changes: Any) -> dict[str, Any]:
    given = resource(instanceType=instance_type)
    if instance_type is None:
        del given["instanceType"]
    return inference_workspace(resource=given, **changes)


def test_offers_are_cheapest_first_with_the_arithmetic() -> None:
    result = console().run("plan", "--model", "phi-4")
    assert result.code == 0
    assert "phi-4, serving" in result.out
    assert "eastus, 2025" in result.out
    rows = [line for line in result.out.splitlines() if line.startswith("Standard_")]
    assert rows[0].split()[0] == A100 and "$3.67" in rows[0]
    assert "27.86 GiB of weights" in result.out and "so the model needs 1 GPU" in result.out
    assert "NOT POSSIBLE" in result.out and "needs more than 1 node" in result.out


@pytest.mark.parametrize("preset", ["phi-4", "falcon-40b", "falcon-7b"])
def test_an_offer_is_what_the_controller_decides(preset: str) -> None:
    document = console().run("plan", "--model", preset, "-o", "json").json
    for offer in document["offers"][:3]:
        manifest = on(offer["instanceType"], inference=inference(preset={"name": preset}))
        made = reconciled(max_model_nodes=1)
        made.apply(manifest).rounds(3)
        status = made.environment.workspace()["status"]
        assert status["targetNodeCount"] == offer["nodes"], status
        assert status["estimate"]["explanation"] == offer["explanation"]
    rejected = document["rejected"][0]
    made = reconciled(
        on(rejected["instanceType"], inference=inference(preset={"name": preset})),
        max_model_nodes=1,
    )
    ready = made.environment.workspace()["status"]["conditions"][0]
    assert ready["reason"] == "InstanceTypeTooSmall"
    # After the arithmetic, the controller suggests other types; here they are a table.
    arithmetic = rejected["why"].partition(". Use ")[0].partition(". Allow ")[0]
    assert arithmetic in ready["message"]


def test_the_price_list_is_that_of_the_releases_region() -> None:
    prices = FakePrices(NOW, {"eastus": {A100: Price(3.1, 0.5), T4: Price(9.0)}})
    document = console(prices=prices).run("plan", "--model", "phi-4", "-o", "json").json
    assert document["prices"] == {
        "name": "Azure Retail Prices API",
        "region": "eastus",
        "asOf": "2026-01-01",
    }
    first, second = document["offers"][:2]
    assert (first["instanceType"], first["pricePerHour"], first["spotPricePerHour"]) == (
        A100,
        3.1,
        0.5,
    )
    assert second["pricePerHour"] is None
    (note,) = document["notes"]
    assert note.startswith("quota: unknown; --subscription ")


def test_another_region_says_where_the_recorded_prices_are_from() -> None:
    result = console().run("plan", "--model", "phi-4", "--region", "westeurope")
    assert "the prices are those of eastus, and the nodes are created in westeurope" in result.out
    assert "prices.example does not answer" in result.out


def test_recorded_prices_ask_nobody() -> None:
    prices = FakePrices(NOW, {"eastus": {A100: Price(3.1)}})
    result = console(prices=prices).run("plan", "--model", "phi-4", "--recorded-prices")
    assert prices.reads == 0 and "$3.67" in result.out


def test_a_limit_leaves_out_what_is_dearer_and_says_so_first() -> None:
    result = console().run("plan", "--model", "phi-4", "--max-price", "4")
    rows = [line for line in result.out.splitlines() if line.startswith("Standard_")]
    assert rows[0].startswith(A100)
    assert "$4.35/h is more than --max-price $4.00" in rows[1]
    nothing = console().run("plan", "--model", "phi-4", "--max-price", "1")
    assert nothing.code == 1
    assert "No instance type does." in nothing.out


def test_a_file_is_told_whether_its_own_instance_type_does(tmp_path: Path) -> None:
    fits = console().run("plan", "-f", write(tmp_path, on("standard_nc4as_t4_v3")))
    assert fits.code == 0 and "which the file names, fits." in fits.out
    small = on(T4, inference=inference(preset={"name": "phi-4"}))
    result = console().run("plan", "-f", write(tmp_path, small))
    assert result.code == 1
    assert "which the file names, does not do: phi-4 needs more than 1 node" in result.out
    unknown = console().run("plan", "-f", write(tmp_path, on("Standard_NC6s_v9")))
    assert unknown.code == 1 and "'Standard_NC6s_v9' is not an instance type" in unknown.out


def test_a_retired_type_that_the_file_names_fits_with_a_note(tmp_path: Path) -> None:
    """The controller requests what a Workspace names."""
    result = console().run("plan", "-f", write(tmp_path, on("Standard_NC6s_v3")))
    assert result.code == 0
    assert "Standard_NC6s_v3: Azure retires it: 2025-09-30, and it may give no" in result.out


def test_a_tuning_workspace_is_planned_for_its_method(tmp_path: Path) -> None:
    result = console().run("plan", "-f", write(tmp_path, tuning_workspace()))
    assert "phi-3-mini-128k-instruct, tuning with qlora" in result.out


def test_the_context_length_comes_from_the_config_map(tmp_path: Path) -> None:
    manifest = on(A100, inference=inference(preset={"name": "phi-4"}, config="long"))
    text = "vllm: {max-model-len: 16384}"
    config = {"metadata": {"name": "long"}, "data": {"inference_config.yaml": text}}
    in_file = console().run(
        "plan", "-f", write(tmp_path, manifest, {"kind": "ConfigMap", **config})
    )
    assert "16384 tokens" in in_file.out
    made = console()
    assert isinstance(made.cluster, FakeCluster)
    made.cluster.store.seed(
        CONFIG_MAP, {**config, "metadata": {"name": "long", "namespace": "team"}}
    )
    assert "16384 tokens" in made.run("plan", "-f", write(tmp_path, manifest)).out
    missing = console().run("plan", "-f", write(tmp_path, manifest))
    assert "ConfigMap long is not there: the default context length" in missing.out


def test_more_nodes_are_offered_where_the_release_allows_them() -> None:
    made = console(nodes=4)
    document = made.run("plan", "--model", "phi-4", "-o", "json").json
    assert {"instanceType": T4, "nodes": 3}.items() <= document["offers"][0].items()
    assert document["offers"][0]["vcpus"] == 12
    assert document["offers"][0]["pricePerHour"] == pytest.approx(3 * 0.526, abs=0.02)


def test_only_vllm_spans_nodes(tmp_path: Path) -> None:
    arguments = ["plan", "--model", "phi-4", "-o", "json"]
    document = console(nodes=4, engine="transformers").run(*arguments).json
    assert all(offer["nodes"] == 1 for offer in document["offers"])
    assert "the engine transformers serves from one node" in document["rejected"][0]["why"]
    named = on(
        T4,
        inference=inference(preset={"name": "phi-4"}),
        annotations={"kaito.sh/runtime": "transformers"},
    )
    result = console(nodes=4).run("plan", "-f", write(tmp_path, named))
    assert result.code == 1
    assert "does not do: the engine transformers serves from one node" in result.out


def test_a_partition_is_all_that_counts(tmp_path: Path) -> None:
    given = resource(partition={"mode": "mig", "profile": "1g.10gb"})
    del given["instanceType"]
    path = write(tmp_path, inference_workspace(resource=given))
    document = console(nodes=1).run("plan", "-f", path, "-o", "json").json
    shown = document["offers"] or document["rejected"]
    assert all("10 GiB" in each.get("explanation", each.get("why")) for each in shown[:3])


def test_the_default_number_of_nodes_is_the_charts() -> None:
    cluster = FakeCluster()
    install(cluster, NOW)
    assert observe_release(cluster).setting("KAITO_MAX_MODEL_NODES") == str(DEFAULT_MAX_MODEL_NODES)
    assert observe_release(cluster).engine == "auto"


def test_without_a_cluster_the_defaults_are_assumed() -> None:
    result = Console(unreachable=True).run("plan", "--model", "phi-4")
    assert result.code == 0
    assert "no cluster: the chart's defaults are assumed" in result.out
    named = Console(unreachable=True).run("plan", "--model", "phi-4", "--context", "prod")
    assert named.code == 3
    assert Console(unreachable=True).run("plan", "--model", "phi-4", "--apply").code == 3


def test_applying_writes_the_cheapest_offer() -> None:
    made = console()
    result = made.run("plan", "--model", "phi-4", "--apply", "-n", "other")
    assert "Workspace other/phi-4 applied, for at most $3.68/h." in result.out
    assert isinstance(made.cluster, FakeCluster)
    written = made.cluster.store.peek(WORKSPACE, "phi-4", "other")
    assert written is not None
    assert written["resource"]["instanceType"] == A100
    assert written["inference"]["preset"]["name"] == "phi-4"
    assert written["metadata"]["annotations"] == {"kaito.sh/max-price-per-hour": "3.68"}


def test_a_name_of_a_preset_with_a_dot_becomes_a_name_that_a_service_can_have() -> None:
    made = console()
    out = made.run("plan", "--model", "llama-3.1-8b-instruct", "--apply").out
    assert "Workspace team/llama-3-1-8b-instruct applied" in out


def test_applying_a_file_writes_it_as_it_is(tmp_path: Path) -> None:
    made = console()
    manifest = on(T4, annotations={"a": "b"})
    made.run("plan", "-f", write(tmp_path, manifest), "--apply")
    assert isinstance(made.cluster, FakeCluster)
    written = made.cluster.store.peek(WORKSPACE, "ws", "team")
    assert written is not None
    limit = {"kaito.sh/max-price-per-hour": "0.53"}
    assert written["metadata"]["annotations"] == {"a": "b"} | limit
    assert written["resource"] == manifest["resource"]


@pytest.mark.parametrize(
    ("own", "options", "limit"),
    [
        ({}, ["--max-price", "9"], "9.00"),
        ({"kaito.sh/max-price-per-hour": "1"}, [], "1"),
        ({"kaito.sh/max-price-per-hour": "1"}, ["--max-price", "9"], "1"),
    ],
    ids=["the user's", "the file's", "both"],
)
def test_a_limit_of_the_user_or_of_the_file_wins_over_the_offers_price(
    tmp_path: Path, own: dict[str, str], options: list[str], limit: str
) -> None:
    made = console()
    file = write(tmp_path, on(T4, annotations=own))
    result = made.run("plan", "-f", file, "--apply", *options)
    assert f"for at most ${limit}/h" in result.out
    assert isinstance(made.cluster, FakeCluster)
    written = made.cluster.store.peek(WORKSPACE, "ws", "team")
    assert written is not None
    assert written["metadata"]["annotations"]["kaito.sh/max-price-per-hour"] == limit


def test_nothing_is_applied_that_does_not_fit(tmp_path: Path) -> None:
    made = console()
    small = on(T4, inference=inference(preset={"name": "phi-4"}))
    assert made.run("plan", "-f", write(tmp_path, small), "--apply").code == 1
    assert made.run("plan", "--model", "phi-4", "--max-price", "1", "--apply").code == 1
    assert isinstance(made.cluster, FakeCluster)
    assert made.cluster.store.objects(WORKSPACE) == []


def test_a_refusal_of_the_cluster_is_its_own_words() -> None:
    made = console()
    assert isinstance(made.cluster, FakeCluster)
    made.cluster.store.fail_next("apply", Invalid("resource.instanceType: immutable"))
    result = made.run("plan", "--model", "phi-4", "--apply")
    assert result.code == 5
    assert result.err == "error: the cluster refuses: resource.instanceType: immutable\n"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "name either a file with -f or a preset"),
        (["-f", "x", "--model", "phi-4"], "name either a file with -f or a preset"),
        (["-f", "x", "--name", "y"], "--name is for --model"),
        (["-f", "/nonexistent"], "/nonexistent cannot be read: No such file"),
        (["--model", "phi-4", "--max-price", "-1"], "Invalid value for '--max-price'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_arguments_are_named(arguments: list[str], text: str) -> None:
    result = console().run("plan", *arguments)
    assert result.code == 2
    assert text in result.err


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "is not YAML"),
        ("", "has no Workspace"),
        ("- 1", "is no manifest"),
        (json.dumps({"kind": "Workspace"}), "apiVersion is None: use kaito.sh/v1beta1"),
        (json.dumps({**on(T4), "metadata": {}}), "metadata.name is missing"),
        (json.dumps({**on(T4), "resource": {}}), "resource.labelSelector: Field required"),
        (json.dumps({**on(T4), "tuning": tuning_workspace()["tuning"]}), "exactly one of"),
        (json.dumps(on(T4)) + "\n---\n" + json.dumps(on(T4)), "has 2 Workspaces"),
        (json.dumps(on(T4, inference={"template": {}})), "its own pods"),
    ],
    ids=["yaml", "empty", "list", "version", "name", "schema", "both", "two", "own pods"],
)
def test_a_bad_file_says_what_is_wrong_with_it(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    result = console().run("plan", "-f", str(file))
    assert result.code == 2, result
    assert problem in result.err
    assert len(result.err.splitlines()) == 1


def test_two_namespaces_contradict_each_other(tmp_path: Path) -> None:
    result = console().run("plan", "-f", write(tmp_path, on(T4)), "-n", "other")
    assert result.code == 2
    assert "metadata.namespace is 'team', and --namespace is 'other'" in result.err
