"""Models of the hub on the command line: what they need and cost, before anything is applied."""

import pytest

from kubectl_kaito.errors import CommandError, NotFoundError
from kubectl_kaito.hub.client import HubClient
from kubectl_kaito.hub.fake import FakeModels
from kubectl_kaito.workspace_manifest import workspace_name
from tests.hub_stand_in import COMMIT, HubStandIn, StoredModel, hub_stand_in
from tests.kaito_presets.hub.repositories import llama, model_files, whole
from tests.kubectl_kaito.console import Console

NAME = "org/Small-1B"
FILES = {"config.json": b"{}", "model.safetensors": b"w", "tokenizer_config.json": b"{}"}
TOKENS = {"opens": frozenset({NAME}), "opens-nothing": frozenset[str]()}


def with_model() -> Console:
    files = model_files(NAME, llama(16, 16, 4, 2048), whole(2.5), license="mit")
    return Console(hub=FakeModels({NAME: files}))


def test_a_model_of_the_hub_is_shown_as_a_preset_is() -> None:
    detail = with_model().run("models", NAME, "-o", "json").json
    assert detail["preset"]["weightsGib"] == 2.5
    assert detail["preset"]["license"] == "mit"
    assert detail["architecture"] == "LlamaForCausalLM"
    assert detail["serving"] and not detail["tuning"]
    assert "It cannot be tuned." in with_model().run("models", NAME).out


def test_a_plan_says_where_it_fits_and_what_it_costs() -> None:
    result = with_model().run("plan", "--model", NAME)
    assert result.code == 0
    assert "Standard_N" in result.out and NAME in result.out


def test_a_preset_does_not_need_the_hub() -> None:
    made = with_model()
    assert made.run("models", "microsoft/Phi-3-mini-128k-instruct").code == 0
    assert made.hub.asked == []


def test_what_no_engine_serves_is_refused_with_the_reason() -> None:
    pickled = model_files(NAME, llama(16, 16, 4, 2048), {"pytorch_model.bin": 9})
    result = Console(hub=FakeModels({NAME: pickled})).run("models", NAME)
    assert result.code == 1
    assert "has its weights only as pytorch_model.bin" in result.err


def test_an_unknown_model_is_not_found() -> None:
    result = Console().run("plan", "--model", "org/none")
    assert result.code == 4
    assert "the hub has no model 'org/none'" in result.err


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("phi-3.5-mini-instruct", "phi-3-5-mini-instruct"),
        ("Qwen/Qwen2.5-0.5B-Instruct", "qwen2-5-0-5b-instruct"),
        ("org/01_Base", "model-01-base"),
        ("org/" + "x" * 90, "x" * 44),
    ],
)
def test_a_workspace_is_named_after_its_model(model: str, name: str) -> None:
    assert workspace_name(model) == name


def test_the_client_reads_the_files_of_a_model() -> None:
    with hub_stand_in(HubStandIn(models={NAME: StoredModel(dict(FILES))})) as hub:
        files = HubClient(hub.address).read(NAME)
    assert files.repository.commit == COMMIT
    assert dict(files.texts) == {"config.json": "{}", "tokenizer_config.json": "{}"}


@pytest.mark.parametrize(
    ("facts", "token", "error", "message"),
    [
        ({"gated": True}, "", CommandError, "is gated: accept its license"),
        ({"gated": True}, "opens-nothing", CommandError, "is gated: accept its license"),
        ({"private": True}, "", NotFoundError, "or it is private"),
    ],
    ids=["gated", "no access", "private"],
)
def test_the_client_says_what_to_do(
    facts: dict[str, bool], token: str, error: type[Exception], message: str
) -> None:
    model = StoredModel(dict(FILES), gated="gated" in facts, private="private" in facts)
    with hub_stand_in(HubStandIn(models={NAME: model}, tokens=TOKENS)) as hub:
        with pytest.raises(error, match=message):
            HubClient(hub.address, token).read(NAME)
        if token or "private" in facts:
            assert HubClient(hub.address, "opens").read(NAME).repository.name == NAME


def test_a_hub_that_is_away_is_one_line() -> None:
    away = pytest.raises(CommandError, match="answers 503: try again later")
    with hub_stand_in(HubStandIn(status=503)) as hub, away:
        HubClient(hub.address).read(NAME)
    with pytest.raises(CommandError, match="does not answer"):
        HubClient(hub.address).read(NAME)
