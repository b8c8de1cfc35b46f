"""`adapters` over the controller itself, and a pod that pulls what it is given."""

from typing import Any

import pytest

from kaito.inference.v1 import inference_pb2
from kaito_kube import kinds
from kaito_kube.errors import Conflict
from kaito_kube.kinds import Key, Manifest
from kubectl_kaito.adapters.changes import NewAdapter, added
from tests.kubectl_kaito.reconciled import Reconciled
from tests.workspace_controller.given import (
    NAMESPACE,
    inference,
    inference_workspace,
    resource,
    settings,
    tuning_workspace,
)
from tests.workspace_controller.harness import Environment

ADDRESS = "10.0.0.1"
STYLE = ["--image", "r.io/style:1", "--pull-secret", "pull"]


def serving(*adapters: Manifest, bad: dict[str, str] | None = None) -> Reconciled:
    """A Workspace whose pod pulls adapters while it runs; those in `bad` are rejected."""
    made = Reconciled(Environment(settings(administration_key="key")))
    secret = {"metadata": {"name": "pull", "namespace": NAMESPACE}, "data": {}}
    made.environment.cluster.seed(kinds.SECRET, {**secret, "data": {".dockerconfigjson": "e30="}})
    client = made.environment.replica.adapters
    client.lists[ADDRESS] = inference_pb2.SetPulledAdaptersRequest()
    client.bad.update(bad or {})
    manifest = inference_workspace(
        resource=resource(instanceType="Standard_NC24ads_A100_v4"),
        inference=inference(adapters=list(adapters)),
    )
    manifest["metadata"]["annotations"] = {"kaito.sh/runtime": "transformers"}
    made.apply(manifest).settle()

    def one_round() -> None:
        made.rounds(1)

    made.console.during_pause = one_round
    return made


def states(made: Reconciled) -> dict[str, str]:
    document = made.console.run("adapters", "list", "ws", "-o", "json").json
    return {each["name"]: each["state"] for each in document["adapters"]}


def spec(made: Reconciled) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = made.environment.workspace()["inference"].get("adapters") or []
    return found


def test_an_adapter_is_added_and_waited_for_until_it_answers() -> None:
    made = serving()
    assert "Workspace team/ws has no adapters." in made.console.run("adapters", "list", "ws").out
    result = made.console.run("adapters", "add", "ws", "style", *STYLE, "--strength", "0.5")
    assert result.code == 0, result
    heading, row = result.out.splitlines()
    assert heading.split() == ["ADAPTER", "STATE", "STRENGTH", "SOURCE", "ANSWERS", "WHY"]
    assert row.split()[:4] == ["style", "Serving", "0.5", "r.io/style:1"]
    assert spec(made) == [
        {
            "source": {"name": "style", "image": "r.io/style:1", "imagePullSecrets": ["pull"]},
            "strength": "0.5",
        }
    ]


def test_a_rejected_adapter_says_why_and_the_others_stay() -> None:
    made = serving(bad={"r.io/bad:1": "another base model"})
    made.console.run("adapters", "add", "ws", "style", *STYLE)
    arguments = ["--image", "r.io/bad:1", "--pull-secret", "pull"]
    result = made.console.run("adapters", "add", "ws", "bad", *arguments)
    assert result.code == 1
    assert "another base model" in result.out
    assert states(made) == {"style": "Serving", "bad": "Rejected"}
    assert made.console.run("adapters", "list", "ws").code == 1


def test_an_adapter_is_replaced_only_if_that_is_said() -> None:
    made = serving()
    made.console.run("adapters", "add", "ws", "style", *STYLE)
    newer = ["--image", "r.io/style:2", "--pull-secret", "pull"]
    refused = made.console.run("adapters", "add", "ws", "style", *newer)
    assert refused.code == 2
    assert "team/ws has an adapter 'style' already: --replace" in refused.err
    replaced = made.console.run("adapters", "add", "ws", "style", *newer, "--replace")
    assert replaced.code == 0
    assert [each["source"]["image"] for each in spec(made)] == ["r.io/style:2"]


def test_a_replaced_adapter_still_needs_its_signature() -> None:
    before: Manifest = {
        "metadata": {"name": "ws", "namespace": "team", "resourceVersion": "1"},
        "inference": {
            "preset": {"name": "phi-4"},
            "adapters": [
                {
                    "source": {
                        "name": "style",
                        "image": "r.io/style:1",
                        "verificationSecret": "cosign",
                        "caConfigMap": "company-ca",
                    }
                }
            ],
        },
    }
    new = NewAdapter(name="style", image="r.io/style:2")
    (adapter,) = added(before, new, replace=True)["inference"]["adapters"]
    assert adapter["source"] == {
        "name": "style",
        "image": "r.io/style:2",
        "verificationSecret": "cosign",
        "caConfigMap": "company-ca",
    }


@pytest.mark.parametrize(
    ("new", "source"),
    [
        (
            NewAdapter(name="style", image="r.io/1", verification_secret="cosign"),
            {"image": "r.io/1"},
        ),
        (NewAdapter(name="style", workspace="t", verification_secret="cosign"), {"workspace": "t"}),
    ],
)
def test_an_added_adapter_names_the_secret_of_its_signature(
    new: NewAdapter, source: Manifest
) -> None:
    before: Manifest = {
        "metadata": {"name": "ws", "namespace": "team", "resourceVersion": "1"},
        "inference": {"preset": {"name": "phi-4"}},
    }
    (adapter,) = added(before, new, replace=False)["inference"]["adapters"]
    assert adapter["source"] == {"name": "style", **source, "verificationSecret": "cosign"}


def test_a_replacement_can_name_another_secret_and_keeps_the_rest() -> None:
    source = {"name": "style", "image": "r.io/1", "verificationSecret": "old", "caConfigMap": "ca"}
    before: Manifest = {
        "metadata": {"name": "ws", "namespace": "team", "resourceVersion": "1"},
        "inference": {"preset": {"name": "phi-4"}, "adapters": [{"source": source}]},
    }
    new = NewAdapter(name="style", image="r.io/2", verification_secret="new")
    (adapter,) = added(before, new, replace=True)["inference"]["adapters"]
    assert adapter["source"] == {**source, "image": "r.io/2", "verificationSecret": "new"}


def test_the_option_reaches_the_workspace() -> None:
    made = serving()
    secret = {"metadata": {"name": "cosign", "namespace": NAMESPACE}, "data": {}}
    made.environment.cluster.seed(kinds.SECRET, secret)
    demand = ["--verification-secret", "cosign"]
    made.console.run("adapters", "add", "ws", "style", *STYLE, *demand, "--no-wait")
    assert spec(made)[0]["source"]["verificationSecret"] == "cosign"


def test_a_replaced_adapter_is_not_done_while_the_old_one_answers() -> None:
    made = serving(bad={"r.io/style:2": "no tensors"})
    made.console.run("adapters", "add", "ws", "style", *STYLE)
    arguments = ["--image", "r.io/style:2", "--pull-secret", "pull", "--replace"]
    result = made.console.run("adapters", "add", "ws", "style", *arguments)
    assert (result.code, "no tensors" in result.out) == (1, True)


def test_an_adapter_is_removed_and_an_unknown_one_lists_all() -> None:
    made = serving()
    made.console.run("adapters", "add", "ws", "style", *STYLE)
    unknown = made.console.run("adapters", "remove", "ws", "tone")
    assert (unknown.code, "it has style" in unknown.err) == (4, True)
    assert made.console.run("adapters", "remove", "ws", "style").code == 0
    assert spec(made) == []
    made.settle()
    assert states(made) == {}


def test_without_waiting_it_is_pending_and_stderr_says_how_to_follow() -> None:
    made = serving()
    result = made.console.run("adapters", "add", "ws", "style", *STYLE, "--no-wait")
    assert result.out.splitlines()[1].split()[:2] == ["style", "Pending"]
    assert "`kubectl kaito adapters list ws -n team`" in result.err


def test_a_change_of_somebody_else_meanwhile_is_kept() -> None:
    made = serving()
    tone = {"source": {"name": "tone", "image": "r.io/tone:1", "imagePullSecrets": ["pull"]}}
    made.environment.cluster.fail_next("patch", Conflict("modified"), kinds.WORKSPACE)

    def other(call: Any) -> None:
        if call.verb == "patch" and call.kind == kinds.WORKSPACE:
            made.environment.cluster.hook = None
            patch = {"inference": inference(adapters=[tone])}
            made.environment.cluster.change(kinds.WORKSPACE, Key(NAMESPACE, "ws"), patch)

    made.environment.cluster.hook = other
    made.console.run("adapters", "add", "ws", "style", *STYLE, "--no-wait")
    assert [each["source"]["name"] for each in spec(made)] == ["tone", "style"]


def test_an_adapter_that_the_kubelet_pulls_is_said_to_be_mounted() -> None:
    made = serving({"source": {"name": "style", "image": "r.io/style:1"}})
    assert states(made) == {"style": "Mounted"}


def test_the_adapter_of_a_tuning_workspace_is_listed_and_takes_no_others() -> None:
    made = Reconciled()
    made.environment.push_secret()
    made.apply(tuning_workspace()).settle()
    listed = made.console.run("adapters", "list", "ws")
    tuned = "Tuned by this Workspace, and served by itself: registry.local/adapters/phi:1@sha256:"
    assert tuned in listed.out
    refused = made.console.run("adapters", "add", "ws", "style", *STYLE)
    assert (refused.code, "Workspace team/ws tunes a model" in refused.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["ws", "style"], 2, "either --image or --workspace"),
        (["ws", "style", "--image", "a", "--workspace", "b"], 2, "either --image or --workspace"),
        (["ws", "style", *STYLE, "--strength", "2"], 2, "--strength"),
        (["nothing", "style", *STYLE], 4, "namespace team has no Workspace nothing"),
    ],
    ids=["nowhere", "twice", "strength", "no Workspace"],
)
def test_what_cannot_be_added_changes_nothing(arguments: list[str], code: int, text: str) -> None:
    made = serving()
    result = made.console.run("adapters", "add", *arguments)
    assert (result.code, text in result.err) == (code, True), result
    assert spec(made) == []
